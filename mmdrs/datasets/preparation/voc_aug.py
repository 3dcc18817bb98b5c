"""VOC 2012 with the additional masks of the Semantic Boundaries Dataset (SBD)."""

import io
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmdrs.datasets.file_checks import read_header
from mmdrs.datasets.formats.voc import (
    ANNOTATIONS,
    AUG_MASKS,
    IMAGES,
    LISTS,
    MASKS,
    VOC_CLASSES,
    mask_values,
    read_mask,
)
from mmdrs.datasets.preparation.archives import CheckedTar
from mmdrs.datasets.preparation.staging import StagedDataset, file_sizes
from mmdrs.datasets.saliency_check import listed
from mmdrs.errors import InputError, MissingFileError
from mmdrs.files import written_whole
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.palette import voc_palette

TRAIN_AUG_SIZE = 10_582
"""Images of train_aug made from the complete archives."""

RECORD = 'voc12_aug.json'
"""File in the data set that says what it was made from."""

Report = Callable[[str, int, int], None]
"""Is told what is done, how many steps are behind, and how many there are."""

_VOC = 'VOCdevkit/VOC2012'
_SBD = 'benchmark_RELEASE/dataset'
_SBD_MASKS = f'{_SBD}/cls'
_TRAIN_AUG = 'train_aug.txt'
_CONTENTS = {
    'VOC': 'the VOC 2012 training and validation data, VOCtrainval_11-May-2012.tar',
    'SBD': 'the Semantic Boundaries Dataset, benchmark.tgz',
    'VOC test': 'the VOC 2012 test data, VOC2012test.tar',
}
# The lists come last: where they are, so is what they name.
_FOLDERS = (IMAGES, ANNOTATIONS, MASKS, AUG_MASKS, LISTS)


@dataclass(frozen=True)
class PreparedVOC:
    """The data set.

    Attributes:
        root: Its folder, ``VOC2012``.
        train_aug: The sorted ids of the training images.
        written: False if it was there already.
    """

    root: Path
    train_aug: list[str]
    written: bool


@dataclass(frozen=True)
class _Plan:
    """What is to be made.

    Attributes:
        copies: For each VOC archive, the path in the data set of the members to be copied.
        train_aug: The sorted ids of the training images.
        voc_masks: Ids whose mask is VOC's.
        sbd_masks: Ids whose mask is SBD's.
    """

    copies: dict[CheckedTar, dict[str, str]]
    train_aug: list[str]
    voc_masks: list[str]
    sbd_masks: list[str]


def prepare_voc_aug(
    voc_tar: str | Path,
    sbd_tgz: str | Path,
    out: str | Path,
    test_tar: str | Path | None = None,
    expected: int = TRAIN_AUG_SIZE,
    report: Report = lambda title, done, total: None,
) -> PreparedVOC:
    """Unpack the archives into ``<out>/VOC2012`` and make masks and list of train_aug.

    Images, masks, annotations and the lists of ``ImageSets/Segmentation`` are those of the VOC
    archives. ``SegmentationClassAug`` holds VOC's own mask where VOC has one, otherwise SBD's;
    ``train_aug.txt`` names VOC train and all of SBD without VOC val. Nothing is put in place
    before all is made and checked; a killed run is continued.

    Args:
        voc_tar: ``VOCtrainval_11-May-2012.tar``.
        sbd_tgz: ``benchmark.tgz``.
        out: Folder of ``VOC2012``.
        test_tar: ``VOC2012test.tar``, which adds images and ``test.txt``.
        expected: Number of images in train_aug; 0 for any.
        report: Is told of the progress.

    Returns:
        Where the data set is and what it trains on.

    Raises:
        MissingFileError: If an archive does not exist.
        InputError: If an archive cannot be used (see :class:`CheckedTar`), lacks a folder, an
            image or a mask, if train_aug has another number of images, if a mask holds another
            value than 0..20 and 255 or has not the size of its image, or if other files than
            these are in the folder already.
    """
    paths = {'VOC': Path(voc_tar), 'SBD': Path(sbd_tgz)}
    if test_tar is not None:
        paths['VOC test'] = Path(test_tar)
    dataset = StagedDataset(Path(out) / 'VOC2012', RECORD, _archive_sizes(paths))
    written = not (dataset.is_finished() and (dataset.root / LISTS / _TRAIN_AUG).is_file())
    if written:
        with ExitStack() as stack:
            archives: dict[str, CheckedTar] = {}
            for name, path in paths.items():
                archives[name] = stack.enter_context(CheckedTar(path, _CONTENTS[name]))
                report('archives looked through', len(archives), len(paths))
            plan = _make_plan(archives, expected)
            _check_in_place(dataset, plan)
            _make(dataset, plan, archives['SBD'], report)
        dataset.put_in_place(_FOLDERS)
    train_aug = (dataset.root / LISTS / _TRAIN_AUG).read_text().split()
    if expected not in (0, len(train_aug)):
        raise InputError(
            f'{dataset.root / LISTS / _TRAIN_AUG} was made with {len(train_aug)} images, expected '
            f'{expected}; choose another folder for other archives'
        )
    return PreparedVOC(Path(out) / 'VOC2012', train_aug, written)


def read_sbd_mask(data: bytes, where: str) -> np.ndarray:
    """Read the class mask of an SBD file ``cls/<id>.mat``.

    Args:
        data: The content of the file: a struct ``GTcls`` with the field ``Segmentation``.
        where: The file, for messages.

    Returns:
        (H, W) integers as stored: 0 background, 1..20 the classes.

    Raises:
        InputError: If scipy is not installed, or the file is broken or of another layout.
    """
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise InputError(
            f'reading masks of SBD needs scipy: pip install scipy ({error})'
        ) from error
    try:
        mask = loadmat(io.BytesIO(data), variable_names=['GTcls'])['GTcls']['Segmentation'][0, 0]
    except Exception as error:  # scipy raises a dozen different ones for broken files
        raise InputError(
            f'{where}: cannot be read as a MATLAB file with GTcls.Segmentation ({error})'
        ) from error
    if mask.ndim != 2 or mask.dtype.kind not in 'iu':
        raise InputError(
            f'{where}: GTcls.Segmentation is {mask.dtype} of shape {mask.shape}, expected '
            'integers (height, width)'
        )
    return mask


def _archive_sizes(paths: Mapping[str, Path]) -> dict[str, int]:
    for name, path in paths.items():
        if not path.is_file():
            raise MissingFileError(f'{path}: no such archive; expected {_CONTENTS[name]}')
    return {name: path.stat().st_size for name, path in paths.items()}


def _make_plan(archives: Mapping[str, CheckedTar], expected: int) -> _Plan:
    """Choose the files and ids, and check that all are in the archives."""
    voc, sbd = archives['VOC'], archives['SBD']
    copies = {voc: _copies(voc, (IMAGES, ANNOTATIONS, MASKS, LISTS))}
    if 'VOC test' in archives:
        test = archives['VOC test']
        copies[test] = _copies(test, (IMAGES,))
        copies[test] |= {f'{_VOC}/{LISTS}/test.txt': f'{LISTS}/test.txt'}
        test.read(f'{_VOC}/{LISTS}/test.txt')
    lists = {
        'VOC train': voc.read_ids(f'{_VOC}/{LISTS}/train.txt'),
        'VOC val': voc.read_ids(f'{_VOC}/{LISTS}/val.txt'),
        'SBD train': sbd.read_ids(f'{_SBD}/train.txt'),
        'SBD val': sbd.read_ids(f'{_SBD}/val.txt'),
    }
    val = set(lists['VOC val'])
    train_aug = sorted({*lists['VOC train'], *lists['SBD train'], *lists['SBD val']} - val)
    if expected not in (0, len(train_aug)):
        counts = ', '.join(f'{name} {len(ids)}' for name, ids in lists.items())
        raise InputError(
            f'train_aug would have {len(train_aug)} images, expected {expected} ({counts}; VOC '
            f'train and SBD without VOC val). Check that {voc.path} is {voc.content} (train 1464, '
            f'val 1449), and that {sbd.path} is {sbd.content} (train 8498, val 2857); for other '
            'lists give --expected, 0 for any number'
        )
    masked = sorted({*train_aug, *val})
    _check_ids(masked, _ids_in(voc, f'{_VOC}/{IMAGES}', '.jpg'), f'images in {voc.path}')
    annotated = _ids_in(voc, f'{_VOC}/{ANNOTATIONS}', '.xml')
    _check_ids(masked, annotated, f'annotations in {voc.path}')
    voc_masks = _ids_in(voc, f'{_VOC}/{MASKS}', '.png')
    sbd_masks = _ids_in(sbd, _SBD_MASKS, '.mat')
    _check_ids(masked, voc_masks | sbd_masks, f'masks in {voc.path} and {sbd.path}')
    return _Plan(
        copies,
        train_aug,
        [name for name in masked if name in voc_masks],
        [name for name in masked if name not in voc_masks],
    )


def _copies(archive: CheckedTar, folders: Sequence[str]) -> dict[str, str]:
    return {
        f'{_VOC}/{folder}/{name}': f'{folder}/{name}'
        for folder in folders
        for name in archive.files_in(f'{_VOC}/{folder}')
    }


def _ids_in(archive: CheckedTar, folder: str, suffix: str) -> set[str]:
    names = archive.files_in(folder)
    return {name.removesuffix(suffix) for name in names if name.endswith(suffix)}


def _check_ids(ids: Sequence[str], there: set[str], what: str) -> None:
    missing = [name for name in ids if name not in there]
    if missing:
        raise InputError(
            f'{len(missing)} of {len(ids)} ids of the lists have no {what}:\n{listed(missing)}'
        )


def _check_in_place(dataset: StagedDataset, plan: _Plan) -> None:
    """Refuse to add to files that do not come from these archives."""
    root = dataset.root
    there = {folder: file_sizes(root / folder) for folder in _FOLDERS}
    for archive, copies in plan.copies.items():
        for member, name in copies.items():
            folder, file = name.rsplit('/', 1)
            size = archive.size(member)
            if there[folder].get(file, size) != size:
                raise InputError(
                    f'{root / name} has {there[folder][file]} bytes, in {archive.path} it has '
                    f'{size}; remove it, or choose another folder'
                )
    if there[AUG_MASKS] and not dataset.is_ours():
        raise InputError(
            f'{root / AUG_MASKS} was not made by this tool from these archives; move it away, or '
            'choose another folder'
        )
    own_list = root / LISTS / _TRAIN_AUG
    if own_list.exists() and sorted(own_list.read_text().split()) != plan.train_aug:
        raise InputError(
            f'{own_list} names other images than these archives; move it away, or choose another '
            'folder'
        )


def _make(dataset: StagedDataset, plan: _Plan, sbd: CheckedTar, report: Report) -> None:
    """Prepare all files that are neither in place nor prepared."""
    dataset.begin()
    try:
        for archive, copies in plan.copies.items():
            _copy(dataset, archive, copies, report)
        _make_masks(dataset, plan, sbd, report)
        if _TRAIN_AUG not in dataset.find(LISTS):
            with written_whole(dataset.part / LISTS / _TRAIN_AUG) as temporary:
                temporary.write_text(''.join(f'{name}\n' for name in plan.train_aug))
    except InputError:
        dataset.drop()  # a repeated run would not get further
        raise


def _copy(
    dataset: StagedDataset, archive: CheckedTar, copies: Mapping[str, str], report: Report
) -> None:
    there = {f'{folder}/{file}' for folder in _FOLDERS for file in dataset.find(folder)}
    todo = [member for member, name in copies.items() if name not in there]
    for done, (member, data) in enumerate(archive.read_each(todo), 1):
        with written_whole(dataset.part / copies[member]) as temporary:
            temporary.write_bytes(data)
        report(archive.path.name, done, len(todo))


def _make_masks(dataset: StagedDataset, plan: _Plan, sbd: CheckedTar, report: Report) -> None:
    there, images = dataset.find(AUG_MASKS), dataset.find(IMAGES)
    voc_todo = [name for name in plan.voc_masks if f'{name}.png' not in there]
    sbd_todo = [name for name in plan.sbd_masks if f'{name}.png' not in there]
    total, palette = len(voc_todo) + len(sbd_todo), voc_palette(len(VOC_CLASSES))

    def write(name: str, mask: np.ndarray, where: str, done: int) -> None:
        _check_mask(mask, images[f'{name}.jpg'], where)
        write_label(dataset.part / AUG_MASKS / f'{name}.png', mask, palette)
        report('masks', done, total)

    masks = dataset.find(MASKS)
    for done, name in enumerate(voc_todo, 1):
        where = f'{MASKS}/{name}.png of VOC'
        write(name, read_mask(masks[f'{name}.png'], where), where, done)
    members = sbd.read_each(f'{_SBD_MASKS}/{name}.mat' for name in sbd_todo)
    for done, (member, data) in enumerate(members, len(voc_todo) + 1):
        where = f'{sbd.path}, {member}'
        write(Path(member).stem, read_sbd_mask(data, where), where, done)


def _check_mask(mask: np.ndarray, image: Path, where: str) -> None:
    mask_values(mask, where)
    height, width, _ = read_header(str(image))
    if mask.shape != (height, width):
        raise InputError(
            f'{where}: is {mask.shape[1]} x {mask.shape[0]}, its image {image.name} is '
            f'{width} x {height} (width x height)'
        )
