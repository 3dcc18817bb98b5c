"""Tar archives from elsewhere: every member is looked at before any is used."""

import lzma
import posixpath
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from mmdrs.errors import InputError, MissingFileError

# What tarfile and the decompressors raise for a broken or cut file.
_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


class CheckedTar:
    """A tar archive, compressed or not, whose member names were all checked.

    Nothing is extracted by name: the contents of regular files are handed out as bytes, and who
    writes them chooses the path. Links are never followed.

    Args:
        path: The archive.
        content: What it should be, for messages, as in 'the VOC 2012 test data, VOC2012test.tar'.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no tar archive, is damaged or cut off, or has a member with an
            absolute path, with '..' in it, a link that leads outside, or a device.
    """

    def __init__(self, path: str | Path, content: str) -> None:
        self.path = Path(path)
        self.content = content
        if not self.path.is_file():
            raise MissingFileError(f'{path}: no such archive; expected {content}')
        with self._reading():
            self._tar = tarfile.open(self.path)  # noqa: SIM115 (closed by __exit__)
        try:
            self._files = self._checked_files()
        except InputError:
            self._tar.close()
            raise

    def __enter__(self) -> 'CheckedTar':
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def files_in(self, folder: str) -> dict[str, int]:
        """Return name and number of bytes of the regular files directly in a folder.

        Raises:
            InputError: If there are none; says which archive was expected.
        """
        names = {
            posixpath.basename(member): info.size
            for member, info in self._files.items()
            if posixpath.dirname(member) == folder
        }
        if not names:
            raise InputError(self._lacks(f'files in {folder}'))
        return names

    def size(self, member: str) -> int:
        """Return the number of bytes of one file.

        Raises:
            InputError: If it is not in the archive.
        """
        return self._info(member).size

    def read(self, member: str) -> bytes:
        """Return the content of one file.

        Raises:
            InputError: If it is not in the archive, or cannot be read.
        """
        info = self._info(member)
        with self._reading():
            return self._tar.extractfile(info).read()

    def read_each(self, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield (member, content) in the order of the archive.

        In any other order a compressed archive would be unpacked from its start for every file.

        Raises:
            InputError: If one is not in the archive, or cannot be read.
        """
        wanted = set(members)
        for member in [name for name in self._files if name in wanted]:
            wanted.remove(member)
            yield member, self.read(member)
        for member in sorted(wanted):
            self.read(member)  # raises: it is not in the archive

    def read_ids(self, member: str) -> list[str]:
        """Return the first word of every line of a text file that is not blank.

        Raises:
            InputError: If it is not in the archive, cannot be read, or is no text.
        """
        try:
            lines = self.read(member).decode('utf-8').splitlines()
        except UnicodeDecodeError as error:
            raise InputError(f'{self.path}, {member}: not a text file ({error.reason})') from error
        return [line.split()[0] for line in lines if line.strip()]

    def _info(self, member: str) -> tarfile.TarInfo:
        if member not in self._files:
            raise InputError(self._lacks(f'file {member}'))
        return self._files[member]

    def _lacks(self, what: str) -> str:
        hint = '' if self._has_end else '. It has no end mark: it may be cut off'
        return f'{self.path} holds no {what}; expected {self.content}{hint}'

    def _checked_files(self) -> dict[str, tarfile.TarInfo]:
        """The regular files by normalised name, in the order of the archive."""
        with self._reading():
            members = self._tar.getmembers()
            # tarfile takes a damaged or cut header for the end and says nothing. Behind the last
            # member are blocks of zeros; some programs write none, so that it is no error yet.
            self._tar.fileobj.seek(self._tar.offset)
            behind = self._tar.fileobj.read(tarfile.BLOCKSIZE)
            self._has_end = bool(behind)
            if behind not in (b'', bytes(tarfile.BLOCKSIZE)):
                raise tarfile.ReadError(f'no valid header at byte {self._tar.offset}')
        for info in members:
            problem = _problem(info)
            if problem:
                raise InputError(f'{self.path}: member {info.name!r} {problem}; nothing was used')
        files = [info for info in members if info.isreg()]
        files = {posixpath.normpath(info.name): info for info in files}
        return dict(sorted(files.items(), key=lambda item: item[1].offset))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(
                f'{self.path} is not a tar archive, or is damaged or cut off ({reason}); '
                f'expected {self.content}: download it again'
            ) from error


def _problem(info: tarfile.TarInfo) -> str:
    """What is wrong with a member, or ''."""
    if _leads_outside(info.name) or '..' in PurePosixPath(info.name).parts:
        return 'has a path that leads outside of the archive'
    if info.islnk() or info.issym():
        # A hard link names a member; a symbolic link starts at its own folder.
        folder = posixpath.dirname(info.name) if info.issym() else ''
        if _leads_outside(posixpath.join(folder, info.linkname)):
            return f'is a link that leads outside of the archive, to {info.linkname!r}'
        return ''
    return '' if info.isreg() or info.isdir() else 'is a device or another special file'


def _leads_outside(path: str) -> bool:
    windows = PureWindowsPath(path)
    normal = posixpath.normpath(windows.as_posix())
    return bool(windows.drive) or normal == '..' or normal.startswith(('/', '../'))
