"""Uploads for the evaluation server of PASCAL VOC 2012: packed from predictions, and checked.

The server wants a tar archive of ``results/VOC2012/Segmentation/<challenge>_test_cls/<id>.png``:
palette PNGs of the size of their image, whose values are classes.
"""

import gzip
import io
import lzma
import posixpath
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image

from mmdrs.datasets.file_checks import FolderIndex, read_header
from mmdrs.datasets.label_lists import read_id_list
from mmdrs.datasets.preparation.image_labels import Step
from mmdrs.datasets.preparation.voc import VOC_CLASSES
from mmdrs.errors import InputError, MissingFileError
from mmdrs.files import written_whole
from mmdrs.localization.palette import voc_palette

CHALLENGES = ('comp5', 'comp6')
"""comp5: trained on data of VOC alone. comp6: anything else, such as pretraining on ImageNet."""

TEST_IMAGES = 1456
"""Number of images in the test set of VOC 2012's segmentation task."""

SHOWN = 10
"""How many faults of a kind a message names."""

_COLOURS = bytes(part for colour in voc_palette(256) for part in colour)

_PNG = b'\x89PNG\r\n\x1a\n'
_JPEG = b'\xff\xd8\xff'
_ZIP = (b'PK\x03\x04', b'PK\x05\x06')
_LARGEST_FILE = 2**24  # bytes; labels of VOC have some thousand
_PACKED = 1325376000  # 2012-01-01; GNU tar complains of files from 1970

# What tarfile and the decompressors raise for a broken or cut archive, and Pillow for a picture.
_DAMAGED_TAR = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)
_DAMAGED_PNG = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)

_GREY = ('1', 'L', 'I;16', 'I')
_SIZE = 'wrong size (width x height)'
_MODE = 'not a palette PNG (mode P)'
_PALETTE = "a palette that is not VOC's"
_MISSING = 'missing images'
_UNREADABLE = 'not a PNG, or unreadable'
_LAST = len(VOC_CLASSES) - 1
_VALUE = f'values above {_LAST} (the server wants a class for every pixel, 255 is none)'


class Faults:
    """What is wrong with an archive or with predictions, by kind, in the order of the finding."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return sum(len(lines) for lines in self._lines.values())

    def add(self, kind: str, line: str) -> None:
        """Note a fault: ``kind`` is the heading, ``line`` says which file and what."""
        self._lines.setdefault(kind, []).append(line)

    def of(self, start: str) -> list[str]:
        """Return the lines of the kinds whose heading starts with ``start``."""
        kinds = [kind for kind in self._lines if kind.startswith(start)]
        return [line for kind in kinds for line in self._lines[kind]]

    def count(self) -> str:
        """Return '1 fault', '2 faults' and so on."""
        return f'{len(self)} fault{"" if len(self) == 1 else "s"}'

    def text(self) -> str:
        """Return every kind with its number and its first ten faults, sorted."""
        shown = []
        for kind, lines in self._lines.items():
            shown.append(f'  {kind}: {len(lines)}')
            shown += [f'    {line}' for line in sorted(lines)[:SHOWN]]
            if len(lines) > SHOWN:
                shown.append(f'    ... and {len(lines) - SHOWN} more')
        return '\n'.join(shown)


def submission_folder(challenge: str) -> str:
    """Return the folder of the PNGs in the archive; ``challenge`` is 'comp5' or 'comp6'.

    Raises:
        InputError: For another challenge.
    """
    if challenge not in CHALLENGES:
        raise InputError(f'challenge must be {" or ".join(CHALLENGES)}, got {challenge!r}')
    return f'results/VOC2012/Segmentation/{challenge}_test_cls'


def read_test_ids(path: str | Path) -> list[str]:
    """Read the ids of a list such as ``ImageSets/Segmentation/test.txt``, sorted.

    Raises:
        MissingFileError: If there is no such list.
        InputError: If it holds no ids, one twice, or one with a folder.
    """
    ids = sorted(image.id.removesuffix('.jpg') for image in read_id_list(path))
    for name in ids:
        if '/' in name or '\\' in name:
            raise InputError(f"{path}: the id '{name}' has a folder; ids of VOC have none")
    for name, count in Counter(ids).items():
        if count > 1:
            raise InputError(f"{path}: the id '{name}' is there with and without .jpg")
    return ids


def read_sizes(
    image_dir: str | Path, ids: Sequence[str], step: Step = lambda done, total: None
) -> dict[str, tuple[int, int]]:
    """Read height and width of ``<id>.jpg`` for every id; only file headers are read.

    Args:
        image_dir: ``JPEGImages`` of VOC 2012's test data.
        ids: Image ids.
        step: Is told of the progress.

    Returns:
        (height, width) by id, in the order of the ids.

    Raises:
        MissingFileError: If the folder or images are missing; names the first and counts all.
        InputError: If images cannot be read.
    """
    folder, index, faults = _folder(image_dir, 'images'), FolderIndex(), Faults()
    sizes = {}
    for done, name in enumerate(ids, 1):
        path = str(folder / f'{name}.jpg')
        if not index.exists(path):
            faults.add(_MISSING, f'{name}.jpg')
            continue
        try:
            sizes[name] = read_header(path)[:2]
        except InputError as error:
            faults.add('unreadable images', str(error))
        step(done, len(ids))
    if faults:
        kind = MissingFileError if faults.of(_MISSING) else InputError
        raise kind(
            f'{image_dir} does not fit the list of {len(ids)} images (test images are in '
            f'VOC2012test.tar, not in VOCtrainval):\n{faults.text()}'
        )
    return sizes


def unlisted(predictions: str | Path, ids: Collection[str]) -> int:
    """Return the number of PNG files of a folder that are no prediction of a listed image."""
    listed = set(ids)
    return sum(path.stem not in listed for path in Path(predictions).glob('*.png'))


def pack_submission(
    predictions: str | Path,
    out: str | Path,
    sizes: Mapping[str, tuple[int, int]],
    challenge: str = 'comp6',
    step: Step = lambda done, total: None,
    check_step: Step = lambda done, total: None,
) -> None:
    """Pack predictions into an archive for the server, and check it.

    Equal predictions give equal bytes, whatever the modes, times and order of their files (with
    the same versions of Pillow and zlib).

    Args:
        predictions: Folder of ``<id>.png`` with class indices 0..20, grey or palette.
        out: The archive, ``*.tar.gz`` or ``*.tgz``; one that is there is replaced.
        sizes: (height, width) of the image by id, as of :func:`read_sizes`.
        challenge: 'comp5' or 'comp6'.
        step: Is told of the predictions that were read.
        check_step: Is told of the files of the archive that were checked.

    Raises:
        MissingFileError: If there is no such folder.
        InputError: If predictions are missing, unreadable, in colour, of another size than their
            image or hold a value above 20; counts all. Nothing is written then.
    """
    folder = submission_folder(challenge)
    if not str(out).endswith(('.tar.gz', '.tgz')):
        raise InputError(f'{out}: the archive is a .tar.gz; give it that ending, or .tgz')
    pngs = _read_predictions(predictions, sizes, step)
    with written_whole(out) as temporary:
        _write_tar(temporary, {f'{folder}/{name}.png': data for name, data in pngs.items()})
        check_submission(temporary, list(sizes), sizes, challenge, check_step)


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
        if not has_end and faults.of(_MISSING):
            faults.add('no end mark, so it may be cut off', Path(archive).name)
        pictures = [info for info in members if info.isreg() and _image_id(info) in listed]
        for done, info in enumerate(pictures, 1):
            where = _shown(posixpath.normpath(info.name).removeprefix(f'{folder}/'))
            if info.size > _LARGEST_FILE:
                faults.add(_UNREADABLE, f'{where}: {info.size} bytes are too many for a label')
            else:
                size = None if sizes is None else sizes[_image_id(info)]
                _check_picture(tar.extractfile(info).read(), size, where, faults)
            step(done, len(pictures))
    return faults


def _folder(path: str | Path, what: str) -> Path:
    if not Path(path).is_dir():
        raise MissingFileError(f'{path}: no such folder; it must hold the {what}')
    return Path(path)


def _read_predictions(
    predictions: str | Path, sizes: Mapping[str, tuple[int, int]], step: Step
) -> dict[str, bytes]:
    """Return the PNG to pack by id, sorted; a few kilobytes each, so that all fit in memory.

    Raises:
        InputError: If anything is wrong with any of them.
    """
    folder = _folder(predictions, 'predictions, <id>.png, that tools/test.py --out wrote')
    index = FolderIndex()
    faults, pngs = Faults(), {}
    for done, name in enumerate(sorted(sizes), 1):
        path = folder / f'{name}.png'
        if index.exists(str(path)):
            label = _read_prediction(path, sizes[name], faults)
            if label is not None:
                pngs[name] = _palette_png(label)
        else:
            faults.add('missing predictions', path.name)
        step(done, len(sizes))
    if faults:
        raise InputError(
            f'{predictions}: {faults.count()} in the predictions of {len(sizes)} images; '
            f'nothing was written\n{faults.text()}'
        )
    return pngs


def _read_prediction(path: Path, size: tuple[int, int], faults: Faults) -> np.ndarray | None:
    """Read a prediction, (H, W) uint8 of 0..20; with a fault None."""
    before = len(faults)
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.add(_UNREADABLE, f'{path.name}: {error.strerror}')
        return None
    picture = _open_png(data, path.name, faults)
    if picture is None:
        return None
    if picture.mode not in (*_GREY, 'P'):
        faults.add('in colour instead of class indices', f'{path.name}: mode {picture.mode}')
    elif picture.mode == 'L' and data[24] < 8:
        # Pillow spreads the grey levels of few bits over 0..255, so that classes would change.
        faults.add('grey with 2 or 4 bits, write 8', f'{path.name}: {data[24]} bits')
    else:
        _check_values(np.asarray(picture), path.name, faults)
    _check_size(picture, size, path.name, faults)
    return np.asarray(picture).astype(np.uint8) if len(faults) == before else None


def _palette_png(label: np.ndarray) -> bytes:
    """Encode a label (H, W), uint8, with all 256 colours of VOC's colour map."""
    picture = Image.fromarray(label)
    picture.putpalette(_COLOURS)
    file = io.BytesIO()
    picture.save(file, format='PNG')
    return file.getvalue()


def _write_tar(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files in the order of their names, with nothing of this machine or of today."""
    with (
        path.open('wb') as stream,
        gzip.GzipFile(filename='', mode='wb', fileobj=stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode='w', format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(name)  # its owner and group are 0 and have no names
            info.size, info.mtime, info.mode = len(data), _PACKED, 0o644
            tar.addfile(info, io.BytesIO(data))


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
            reason = _shown((str(error) or type(error).__name__).splitlines()[0])
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
        faults.add(_MISSING, f'{name}.png')
    for info in members:
        if _leads_outside(info.name):
            faults.add('paths that lead outside of the archive', _shown(info.name))
    for info in files:
        if not _leads_outside(info.name):
            _check_place(info, ids, folder, faults)
        if not info.isreg():
            faults.add('links or special files instead of files', _shown(info.name))
    counts = Counter(posixpath.normpath(info.name) for info in files)
    for name, count in counts.items():
        if count > 1:
            faults.add('files that are there more than once', f'{_shown(name)}: {count} times')


def _check_place(info: tarfile.TarInfo, ids: set[str], folder: str, faults: Faults) -> None:
    """Note what is wrong with the path of a file inside of the archive."""
    path = PurePosixPath(posixpath.normpath(info.name))
    if path.stem not in ids:
        is_png = path.suffix == '.png'
        kind = 'images that are not in the list' if is_png else 'files that do not belong there'
        faults.add(kind, _shown(str(path)))
        return
    remarks = _tree_remarks(path.parent.parts, PurePosixPath(folder).parts)
    if path.suffix != '.png':
        remarks.append(f"the ending is '{_shown(path.suffix)}'")
    if remarks:
        kind = f'wrong path, {"; ".join(remarks)}; it must be {folder}/<id>.png'
        faults.add(kind, _shown(str(path)))


def _tree_remarks(found: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Say how the levels of a folder differ from those that the server wants."""
    remarks = []
    levels = tuple(_meant_level(level, wanted) for level in found)
    for level, meant in zip(found, levels, strict=True):
        if level != meant:
            hint = _challenge_hint(level, meant)
            remarks.append(f"'{_shown(level)}' instead of '{meant}'{hint}")
    missing = ', '.join(f'{level}/' for level in wanted if level not in levels)
    surplus = ', '.join(f'{_shown(level)}/' for level in levels if level not in wanted)
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


def _check_picture(data: bytes, size: tuple[int, int] | None, where: str, faults: Faults) -> None:
    """Note what is wrong with a PNG of an archive; ``size`` is (height, width) of its image."""
    picture = _open_png(data, where, faults)
    if picture is None:
        return
    if picture.mode == 'P':
        _check_palette(picture, where, faults)
    else:
        kind = 'grey' if picture.mode in (*_GREY, 'LA') else 'colours'
        faults.add(_MODE, f'{where}: {kind}, mode {picture.mode}')
    if picture.mode in (*_GREY, 'P'):
        _check_values(np.asarray(picture), where, faults)
    if size is not None:
        _check_size(picture, size, where, faults)


def _open_png(data: bytes, where: str, faults: Faults) -> Image.Image | None:
    """Decode a PNG; if that cannot be done, note it and return None."""
    if not data.startswith(_PNG):
        faults.add(_UNREADABLE, f'{where}: {"a JPEG" if data.startswith(_JPEG) else "no PNG"}')
        return None
    try:
        picture = Image.open(io.BytesIO(data), formats=['PNG'])
        picture.load()
    except _DAMAGED_PNG as error:
        faults.add(_UNREADABLE, f'{where}: {error}')
        return None
    return picture


def _check_palette(picture: Image.Image, where: str, faults: Faults) -> None:
    """Note the first entry of a palette that differs from VOC's 256."""
    found, wanted = picture.getpalette('RGB'), list(_COLOURS)
    for index in range(256):
        part = slice(3 * index, 3 * index + 3)
        if found[part] != wanted[part]:
            value = ','.join(map(str, found[part])) or 'missing'
            expected = ','.join(map(str, wanted[part]))
            name = f' ({VOC_CLASSES[index]})' if index <= _LAST else ''
            faults.add(_PALETTE, f"{where}: entry {index}{name} is {value}, VOC's is {expected}")
            return


def _check_values(label: np.ndarray, where: str, faults: Faults) -> None:
    """Note the values above 20 of a label (H, W), integers."""
    if label.size and label.max() > _LAST:
        values = [str(value) for value in np.unique(label[label > _LAST])]
        more = f' and {len(values) - SHOWN} more' if len(values) > SHOWN else ''
        faults.add(_VALUE, f'{where}: {", ".join(values[:SHOWN])}{more}')


def _check_size(picture: Image.Image, size: tuple[int, int], where: str, faults: Faults) -> None:
    height, width = size
    if picture.size != (width, height):
        found = f'{picture.width} x {picture.height}'
        faults.add(_SIZE, f'{where}: {found}, its image is {width} x {height}')


def _leads_outside(name: str) -> bool:
    path = PureWindowsPath(name)
    return bool(path.drive) or path.as_posix().startswith('/') or '..' in path.parts


def _shown(name: str) -> str:
    """Return a name of an archive for the console: control characters and the like escaped."""
    return name if name.isprintable() else ascii(name)
