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
    """Name the archive in errors that come from its damage; ``hint`` ends the message.

    Raises:
        InputError: If the block raises an error of ``tarfile`` or of a decompressor. Errors of
            the operating system, as of a full disk, pass.
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
    """Return the members of an archive, and whether its end mark (a block of zeros) follows.

    Some programs write no end mark, so an archive without one need not be cut off.

    Raises:
        tarfile.ReadError: If anything else follows: ``tarfile`` silently takes a damaged header
            for the end.
    """
    members = tar.getmembers()
    tar.fileobj.seek(tar.offset)
    rest = tar.fileobj.read(tarfile.BLOCKSIZE)
    if rest not in (b'', bytes(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f'no valid header at byte {tar.offset}')
    return members, bool(rest)


def printable(name: str) -> str:
    """Escape a name of an archive for the console if it holds control characters or the like."""
    return name if name.isprintable() else ascii(name)
