"""Finding all that is wrong with an archive for the server."""

import posixpath
import tarfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from mmdrs.archives import archive_members, printable, reading_archive
from mmdrs.engine import Progress
from mmdrs.errors import InputError, MissingFileError
from voc_server.faults import CHALLENGES, UNREADABLE, Faults, refuse, submission_folder
from voc_server.label_pngs import check_png

MISSING = 'missing images'
_ZIP = (b'PK\x03\x04', b'PK\x05\x06')
_LARGEST_FILE = 2**24  # bytes; labels of VOC have some thousand


def check_submission(
    archive: str | Path,
    ids: Sequence[str],
    sizes: Mapping[str, tuple[int, int]] | None = None,
    challenge: str = 'comp6',
) -> None:
    """Refuse an archive for any of its :func:`submission_faults`.

    Raises:
        InputError: Also if it has faults; counts all and names the first of each kind.
    """
    note = '' if sizes is not None else ' (sizes of images were not checked)'
    refuse(submission_faults(archive, ids, sizes, challenge), archive, note)


def archive_ids(archive: str | Path) -> list[str]:
    """The ids of the PNGs of an archive, sorted, where no list says which there should be.

    Raises:
        MissingFileError, InputError: As :func:`submission_faults`; also if there is no PNG.
    """
    path = Path(archive)
    _refuse_zip(path)
    with reading_archive(path), tarfile.open(path) as tar:
        members, _ = archive_members(tar)
    ids = {_image_id(info) for info in members if info.isreg() and info.name.endswith('.png')}
    if not ids:
        raise InputError(f'{path}: holds no PNG')
    return sorted(ids)


def submission_faults(
    archive: str | Path,
    ids: Sequence[str],
    sizes: Mapping[str, tuple[int, int]] | None = None,
    challenge: str = 'comp6',
) -> Faults:
    """Find all that is wrong with an archive for the server; nothing is extracted.

    Args:
        archive: A tar archive, compressed or not.
        ids: Ids of the images of the test set.
        sizes: (height, width) of the image by id; None checks no sizes.
        challenge: One of :data:`.CHALLENGES`.

    Returns:
        The faults of its tree first, then those of its PNGs.

    Raises:
        MissingFileError: If there is no such archive.
        InputError: If it is no tar archive, is a zip archive, or is damaged or cut off.
    """
    faults: Faults = defaultdict(list)
    listed, folder, path = set(ids), submission_folder(challenge), Path(archive)
    _refuse_zip(path)
    with reading_archive(path), tarfile.open(path) as tar:
        members, has_end = archive_members(tar)
        _check_tree(members, listed, folder, faults)
        if not has_end and MISSING in faults:
            faults['no end mark, so it may be cut off'].append(path.name)
        pngs = [info for info in members if info.isreg() and _image_id(info) in listed]
        progress = Progress('check')
        for done, info in enumerate(pngs, 1):
            where = printable(posixpath.normpath(info.name).removeprefix(f'{folder}/'))
            if info.size > _LARGEST_FILE:
                line = f'{where}: {info.size} bytes are too many for a label'
                faults[UNREADABLE].append(line)
            else:
                size = None if sizes is None else sizes[_image_id(info)]
                check_png(tar.extractfile(info).read(), size, where, faults)
            progress.step(done, len(pngs))
    return faults


def _refuse_zip(path: Path) -> None:
    if not path.is_file():
        raise MissingFileError(f'{path}: no such archive')
    with path.open('rb') as stream:
        if stream.read(4) in _ZIP:
            raise InputError(
                f'{path} is a zip archive, which the server does not take; make a .tar.gz (pack)'
            )


def _image_id(info: tarfile.TarInfo) -> str:
    return PurePosixPath(info.name).stem


def _check_tree(
    members: Sequence[tarfile.TarInfo], ids: set[str], folder: str, faults: Faults
) -> None:
    """Note what is missing, left over or in a wrong place; folders may be there or not."""
    files = [info for info in members if not info.isdir()]
    for name in sorted(ids - {_image_id(info) for info in files}):
        faults[MISSING].append(f'{name}.png')
    for info in members:
        if _leads_outside(info.name):
            faults['paths that lead outside of the archive'].append(printable(info.name))
    for info in files:
        path = posixpath.normpath(info.name)
        fault = '' if _leads_outside(info.name) else _place_fault(path, ids, folder)
        if fault:
            faults[fault].append(printable(path))
        if not info.isreg():
            faults['links or special files instead of files'].append(printable(info.name))
    for name, count in Counter(posixpath.normpath(info.name) for info in files).items():
        if count > 1:
            line = f'{printable(name)}: {count} times'
            faults['files that are there more than once'].append(line)


def _place_fault(name: str, ids: set[str], folder: str) -> str:
    """What is wrong with the path of a file inside of the archive, or ''."""
    path = PurePosixPath(name)
    if path.stem not in ids:
        is_png = path.suffix == '.png'
        return 'images that are not in the list' if is_png else 'files that do not belong there'
    if name == f'{folder}/{path.stem}.png':
        return ''
    for challenge in CHALLENGES:
        if str(path.parent) == submission_folder(challenge) != folder:
            return f'made for {challenge}; give --challenge {challenge}, or pack it anew'
    return f'wrong path, it must be {folder}/<id>.png'


def _leads_outside(name: str) -> bool:
    path = PureWindowsPath(name)
    return bool(path.drive) or path.as_posix().startswith('/') or '..' in path.parts
