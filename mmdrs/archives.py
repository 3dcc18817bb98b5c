"""Reading tar archives that others made."""

import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmdrs.errors import InputError

# What tarfile and the decompressors raise for a broken or cut archive.
_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


@contextmanager
def reading_archive(path: Path, hint: str = '') -> Iterator[None]:
    """Turn what a damaged archive raises inside the block into one error that names it.

    Args:
        path: The archive.
        hint: What to add to the message.

    Raises:
        InputError: If the block raises an error of ``tarfile`` or of a decompressor. Those of the
            operating system, as of a full disk, are not the archive's and pass.
    """
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, InputError) or getattr(error, 'errno', None):
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f'{path} is not a tar archive, or is damaged or cut off ({printable(reason)}){hint}'
        ) from error


def archive_members(tar: tarfile.TarFile) -> tuple[list[tarfile.TarInfo], bool]:
    """Return the members of an archive and whether its end mark, a block of zeros, follows them.

    Some programs write no end mark, so an archive without one need not be cut off.

    Raises:
        tarfile.ReadError: If anything else follows. ``tarfile`` takes a damaged or cut header
            for the end and says nothing.
    """
    members = tar.getmembers()
    tar.fileobj.seek(tar.offset)
    rest = tar.fileobj.read(tarfile.BLOCKSIZE)
    if rest not in (b'', bytes(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f'no valid header at byte {tar.offset}')
    return members, bool(rest)


def printable(name: str) -> str:
    """Return a name of an archive for the console: control characters and the like escaped."""
    return name if name.isprintable() else ascii(name)
