"""Finding all that is wrong with an archive for the server."""

import lzma
import posixpath
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from mmdrs.datasets.formats.image_labels import Step
from mmdrs.errors import InputError, MissingFileError
from mmdrs.reporting.voc_server.faults import Faults, shown
from mmdrs.reporting.voc_server.inputs import MISSING
from mmdrs.reporting.voc_server.pictures import UNREADABLE, check_picture

CHALLENGES = ('comp5', 'comp6')
"""comp5: trained on data of VOC alone. comp6: anything else, such as pretraining on ImageNet."""

_ZIP = (b'PK\x03\x04', b'PK\x05\x06')
_LARGEST_FILE = 2**24  # bytes; labels of VOC have some thousand
# What tarfile and the decompressors raise for a broken or cut archive.
_DAMAGED_TAR = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)


def submission_folder(challenge: str) -> str:
    """Return the folder of the PNGs in the archive; ``challenge`` is 'comp5' or 'comp6'.

    Raises:
        InputError: For another challenge.
    """
    if challenge not in CHALLENGES:
        raise InputError(f'challenge must be {" or ".join(CHALLENGES)}, got {challenge!r}')
    return f'results/VOC2012/Segmentation/{challenge}_test_cls'


def check_submission(
    archive: str | Path,
    ids: Sequence[str],
    sizes: Mapping[str, tuple[int, int]] | None = None,
    challenge: str = 'comp6',
    step: Step = lambda done, total: None,
) -> None:
    """Refuse an archive with faults; for the arguments see :func:`submission_faults`.

    Raises:
        MissingFileError: If there is no such archive.
        InputError: If it cannot be read, or has faults; counts all and names the first of a kind.
    """
    faults = submission_faults(archive, ids, sizes, challenge, step)
    if faults:
        left_out = '' if sizes is not None else ' (sizes of images were not checked)'
        raise InputError(f'{archive}: {faults.count()}{left_out}\n{faults.text()}')


def submission_faults(
    archive: str | Path,
    ids: Sequence[str],
    sizes: Mapping[str, tuple[int, int]] | None = None,
    challenge: str = 'comp6',
    step: Step = lambda done, total: None,
) -> Faults:
    """Find all that is wrong with an archive for the server; nothing is extracted.

    Args:
        archive: A tar archive, compressed or not.
        ids: Ids of the images of the test set.
        sizes: (height, width) of the image by id; None checks no sizes.
        challenge: 'comp5' or 'comp6', to which it is uploaded.
        step: Is told of the files that were checked.

    Returns:
        The faults of its tree first, then those of its pictures.

    Raises:
        MissingFileError: If there is no such archive.
        InputError: If it is no tar archive, is a zip archive, or is damaged or cut off.
    """
    faults, listed, folder = Faults(), set(ids), submission_folder(challenge)
    with _opened(Path(archive)) as tar:
        members, has_end = _members(tar)
        _check_tree(members, listed, folder, faults)
        if not has_end and faults.of(MISSING):
            faults.add('no end mark, so it may be cut off', Path(archive).name)
        pictures = [info for info in members if info.isreg() and _image_id(info) in listed]
        for done, info in enumerate(pictures, 1):
            where = shown(posixpath.normpath(info.name).removeprefix(f'{folder}/'))
            if info.size > _LARGEST_FILE:
                faults.add(UNREADABLE, f'{where}: {info.size} bytes are too many for a label')
            else:
                size = None if sizes is None else sizes[_image_id(info)]
                check_picture(tar.extractfile(info).read(), size, where, faults)
            step(done, len(pictures))
    return faults


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    """Open an archive; damage found inside the block is told as an error of the user."""
    if not path.is_file():
        raise MissingFileError(f'{path}: no such archive')
    with path.open('rb') as stream:
        if stream.read(4) in _ZIP:
            raise InputError(
                f'{path} is a zip archive, which the server does not take; make a .tar.gz (pack)'
            )
        stream.seek(0)
        try:
            with tarfile.open(fileobj=stream) as tar:
                yield tar
        except _DAMAGED_TAR as error:
            reason = shown((str(error) or type(error).__name__).splitlines()[0])
            raise InputError(
                f'{path} is not a tar archive, or is damaged or cut off ({reason})'
            ) from error


def _members(tar: tarfile.TarFile) -> tuple[list[tarfile.TarInfo], bool]:
    """Return the members, and whether the end mark follows them.

    Raises:
        ReadError: If anything else follows: tarfile takes a damaged header for the end.
    """
    members = tar.getmembers()
    tar.fileobj.seek(tar.offset)
    behind = tar.fileobj.read(tarfile.BLOCKSIZE)
    if behind not in (b'', bytes(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f'no valid header at byte {tar.offset}')
    return members, bool(behind)


def _image_id(info: tarfile.TarInfo) -> str:
    return PurePosixPath(info.name).stem


def _check_tree(
    members: Sequence[tarfile.TarInfo], ids: set[str], folder: str, faults: Faults
) -> None:
    """Note what is missing, left over or in a wrong place; folders may be there or not."""
    files = [info for info in members if not info.isdir()]
    found = {_image_id(info) for info in files}
    for name in sorted(ids - found):
        faults.add(MISSING, f'{name}.png')
    for info in members:
        if _leads_outside(info.name):
            faults.add('paths that lead outside of the archive', shown(info.name))
    for info in files:
        if not _leads_outside(info.name):
            _check_place(info, ids, folder, faults)
        if not info.isreg():
            faults.add('links or special files instead of files', shown(info.name))
    counts = Counter(posixpath.normpath(info.name) for info in files)
    for name, count in counts.items():
        if count > 1:
            faults.add('files that are there more than once', f'{shown(name)}: {count} times')


def _check_place(info: tarfile.TarInfo, ids: set[str], folder: str, faults: Faults) -> None:
    """Note what is wrong with the path of a file inside of the archive."""
    path = PurePosixPath(posixpath.normpath(info.name))
    if path.stem not in ids:
        is_png = path.suffix == '.png'
        kind = 'images that are not in the list' if is_png else 'files that do not belong there'
        faults.add(kind, shown(str(path)))
        return
    remarks = _tree_remarks(path.parent.parts, PurePosixPath(folder).parts)
    if path.suffix != '.png':
        remarks.append(f"the ending is '{shown(path.suffix)}'")
    if remarks:
        kind = f'wrong path, {"; ".join(remarks)}; it must be {folder}/<id>.png'
        faults.add(kind, shown(str(path)))


def _tree_remarks(found: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Say how the levels of a folder differ from those that the server wants."""
    remarks = []
    levels = tuple(_meant_level(level, wanted) for level in found)
    for level, meant in zip(found, levels, strict=True):
        if level != meant:
            hint = _challenge_hint(level, meant)
            remarks.append(f"'{shown(level)}' instead of '{meant}'{hint}")
    missing = ', '.join(f'{level}/' for level in wanted if level not in levels)
    surplus = ', '.join(f'{shown(level)}/' for level in levels if level not in wanted)
    if missing:
        remarks.append(f'lacks {missing}')
    if surplus:
        remarks.append(f'has {surplus} too much')
    if not remarks and levels != tuple(wanted):
        remarks.append('a folder is repeated, or the order is another')
    return remarks


def _meant_level(level: str, wanted: Sequence[str]) -> str:
    """Return the level that a wrong one stands for: another year, challenge, set, or case."""
    for meant in wanted:
        kinds = [kind for kind in (r'voc_?\d{4}', r'comp\d+_\w+') if _is_kind(meant, kind)]
        if level.lower() == meant.lower() or any(_is_kind(level, kind) for kind in kinds):
            return meant
    return level


def _is_kind(level: str, pattern: str) -> bool:
    return re.fullmatch(pattern, level, re.IGNORECASE) is not None


def _challenge_hint(level: str, meant: str) -> str:
    """Explain the two challenges where one was taken for the other."""
    pair = level.split('_')[0].lower(), meant.split('_')[0].lower()
    if pair[0] != pair[1] and set(pair) == set(CHALLENGES):
        return ' (comp5 is for training on data of VOC alone, comp6 for any other data)'
    return ''


def _leads_outside(name: str) -> bool:
    path = PureWindowsPath(name)
    return bool(path.drive) or path.as_posix().startswith('/') or '..' in path.parts
