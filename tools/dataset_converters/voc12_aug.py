#!/usr/bin/env python
"""Prepare VOC 2012 with SBD's masks (train_aug) from the archives as they are published.

Written below ``OUT/VOC2012``: the images, masks, annotations and lists of the VOC archives,
``SegmentationClassAug/<id>.png`` (VOC's own mask where VOC has one, otherwise SBD's) and
``ImageSets/Segmentation/train_aug.txt`` (VOC train and all of SBD, without VOC val). All is made
and checked before any of it is put in place. A call that was stopped can be repeated; one that
finds everything done says so.

Example: python tools/dataset_converters/voc12_aug.py VOCtrainval_11-May-2012.tar benchmark.tgz
"""

import argparse
import hashlib
import json
import posixpath
import shutil
import struct
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import voc_layout as voc
from check_saliency import check_saliency
from scipy.io import loadmat

from mmdrs.archives import archive_members, reading_archive
from mmdrs.cli.arguments import command, command_parser
from mmdrs.engine import Progress
from mmdrs.errors import InputError, MissingFileError, first_lines
from mmdrs.files import written_whole
from mmdrs.pseudo_labels.image_file import read_header
from mmdrs.pseudo_labels.label_file import read_label, write_label
from mmdrs.pseudo_labels.palette import voc_palette
from mmdrs.reading import reading

TRAIN_AUG_SIZE = 10_582  # images of train_aug made from the complete archives
CONTENTS = {
    'VOC': 'the VOC 2012 training and validation data, VOCtrainval_11-May-2012.tar',
    'SBD': 'the Semantic Boundaries Dataset, benchmark.tgz',
    'VOC test': 'the VOC 2012 test data, VOC2012test.tar',
}
PUBLISHED_MD5 = {
    'VOC': '6cd6e144f989b92b3379bac3b3de84fd',
    'SBD': '82b4d87ceb2ed10f6038a1cba92111cb',
    'VOC test': '9065beb292b6c291fad82b2725749fda',
}
VOC_PARTS = (voc.IMAGES, voc.ANNOTATIONS, voc.MASKS, voc.LISTS)
VOC_LISTS = tuple(f'{voc.LISTS}/{split}.txt' for split in ('train', 'val'))
SBD_PARTS = ('train.txt', 'val.txt', 'cls')
TEST_PARTS = (voc.IMAGES, f'{voc.LISTS}/test.txt')
PARTS = {  # the used files and folders of each archive, and where they are unpacked
    'VOC': {f'VOCdevkit/VOC2012/{name}': name for name in VOC_PARTS + VOC_LISTS},
    'SBD': {f'benchmark_RELEASE/dataset/{name}': f'SBD/{name}' for name in SBD_PARTS},
    'VOC test': {f'VOCdevkit/VOC2012/{name}': name for name in TEST_PARTS},
}
# The folders of the data set. The lists come last: where they are, so is what they name.
FOLDERS = (voc.IMAGES, voc.ANNOTATIONS, voc.MASKS, voc.AUG_MASKS, voc.LISTS)
TRAIN_AUG = f'{voc.LISTS}/train_aug.txt'
RECORD = 'voc12_aug.json'
MAT_MATRIX, MAT_COMPRESSED = 14, 15  # kinds of elements of MATLAB files
LARGEST_MEMBER = 2**28  # bytes; images have some hundred thousand

Report = Callable[[str, int, int], None]  # called with a step's title, how much is done, of what


def prepare_voc_aug(
    archives: Mapping[str, Path],
    out: Path,
    expected: int = TRAIN_AUG_SIZE,
    any_checksum: bool = False,
    report: Report = lambda title, done, total: None,
) -> tuple[list[str], bool]:
    """Unpack the archives into ``<out>/VOC2012`` and make masks and list of train_aug.

    Args:
        archives: Paths by the names in :data:`CONTENTS`; 'VOC test' may be left out.
        out: Folder of ``VOC2012``.
        expected: Number of images in train_aug; 0 for any.
        any_checksum: Also take archives that are not as published.
        report: Reports the progress.

    Returns:
        The sorted ids of train_aug, and whether anything was written.

    Raises:
        MissingFileError: If an archive does not exist.
        InputError: If an archive is not as published, cannot be used, or lacks a folder, image or
            mask; if train_aug has another number of images; if a mask holds another value than
            0..20 and 255 or has not the size of its image; if other files are in the folder.
    """
    dataset = StagedDataset(out / 'VOC2012', read_checksums(archives, any_checksum, report))
    own_list = dataset.root / TRAIN_AUG
    written = not (dataset.is_finished and own_list.is_file())
    if written:
        dataset.begin()
        try:
            for name, path in archives.items():
                unpack(path, name, dataset, report)
            make_train_aug(dataset, archives, expected, report)
        except InputError:
            dataset.drop()  # a repeated run would not get further
            raise
        dataset.put_in_place()
    ids = own_list.read_text('utf-8').split()
    if expected not in (0, len(ids)):
        raise InputError(
            f'{own_list} was made with {len(ids)} images, expected {expected}; choose another '
            'folder for other archives'
        )
    return ids, written


class StagedDataset:
    """The data set in place, and the hidden folder of its preparation beside it.

    What is in either is not made again, so that a stopped run can be repeated. A record in each
    says from which archives, by their checksums, it was made, and in the data set how many files
    its folders have. Files of other archives, or of unknown ones, are refused.
    """

    def __init__(self, root: Path, checksums: Mapping[str, str]) -> None:
        # Resolved, because a rename cannot leave the file system that a link leads to.
        self.root = root.resolve()
        self.part = self.root.with_name(f'.{self.root.name}.part')
        made = _read_record(self.root / RECORD)
        self._known = made.get('sources', {})
        for name, checksum in checksums.items():
            if self._known.get(name, checksum) != checksum:
                raise InputError(
                    f'{self.root} was made from another {name} archive (its MD5 checksum was '
                    f'{self._known[name]}, not {checksum}); choose another folder'
                )
        self.is_finished = checksums.keys() <= self._known.keys() and all(
            len(_files(self.root, folder)) >= count for folder, count in made['files'].items()
        )
        self._sources = {**self._known, **checksums}

    def begin(self) -> None:
        """Make the folder of the preparation, anew if it was made from other archives."""
        if _read_record(self.part / RECORD) == self._sources:
            return
        if not self._known and _files(self.root, voc.AUG_MASKS):
            raise InputError(
                f'{self.root / voc.AUG_MASKS} was not made by this tool from these archives; move '
                'it away, or choose another folder'
            )
        self.drop()
        _write_record(self.part / RECORD, self._sources)

    def find(self, folder: str) -> dict[str, Path]:
        """Return the paths of the files of a folder, in place or prepared, by name."""
        return _files(self.part, folder) | _files(self.root, folder)

    def drop(self) -> None:
        """Remove the preparation."""
        shutil.rmtree(self.part, ignore_errors=not self.part.exists())

    def put_in_place(self) -> None:
        """Move what is prepared, folder by folder, and write the record."""
        for folder in FOLDERS:
            move_files(self.part / folder, self.root / folder)
        counts = {folder: len(_files(self.root, folder)) for folder in FOLDERS}
        _write_record(self.root / RECORD, {'sources': self._sources, 'files': counts})
        self.drop()


def move_files(source: Path, target: Path) -> None:
    """Move the files of a folder into another."""
    target.mkdir(parents=True, exist_ok=True)
    for name, path in _files(source, '').items():
        path.replace(target / name)


def _files(root: Path, folder: str) -> dict[str, Path]:
    """The paths of a folder's files by name; hidden ones were left by a stopped run."""
    return {path.name: path for path in (root / folder).glob('[!.]*')}


def _read_record(path: Path) -> dict:
    try:
        return dict(json.loads(path.read_text('utf-8')))
    except (OSError, ValueError, TypeError):
        return {}  # none, or not one of ours


def _write_record(path: Path, record: dict) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + '\n', 'utf-8')


def read_checksums(
    archives: Mapping[str, Path], any_checksum: bool, report: Report
) -> dict[str, str]:
    """Return the MD5 checksums of the archives; unless ``any_checksum``, refuse unknown ones."""
    for name, path in archives.items():
        if not path.is_file():
            raise MissingFileError(f'{path}: no such archive; expected {CONTENTS[name]}')
    found = {}
    for name, path in archives.items():
        digest = hashlib.md5(usedforsecurity=False)
        with path.open('rb') as file:
            while block := file.read(2**20):
                digest.update(block)
        found[name] = digest.hexdigest()
        report('checksums', len(found), len(archives))
        if not any_checksum and found[name] != PUBLISHED_MD5[name]:
            raise InputError(
                f'{path} is not {CONTENTS[name]} as published, or is damaged or cut off: its MD5 '
                f'checksum is {found[name]}, not {PUBLISHED_MD5[name]}. Download it again, or go '
                'on anyway with --any-checksum if others packed it'
            )
    return found


def unpack(path: Path, name: str, dataset: StagedDataset, report: Report) -> None:
    """Unpack the used files of an archive that are neither in place nor prepared whole."""
    hint = f'; expected {CONTENTS[name]}'
    with reading_archive(path, f'{hint}: download it again'), tarfile.open(path) as tar:
        members, has_end = archive_members(tar)
        hint += '' if has_end else '. It has no end mark: it may be cut off'
        todo = []
        for target, info in used_files(path, members, PARTS[name], hint).items():
            in_place, prepared = (
                path.stat().st_size if path.exists() else None
                for path in (dataset.root / target, dataset.part / target)
            )
            if in_place not in (None, info.size):
                raise InputError(
                    f'{dataset.root / target} has {in_place} bytes, in {path} it has {info.size}; '
                    'remove it, or choose another folder'
                )
            if info.size not in (in_place, prepared):
                todo.append(info.replace(name=target, deep=False))
        for done, info in enumerate(todo, 1):
            tar.extract(info, dataset.part, filter='data')
            report(path.name, done, len(todo))


def used_files(
    path: Path, members: Sequence[tarfile.TarInfo], parts: Mapping[str, str], hint: str
) -> dict[str, tarfile.TarInfo]:
    """Return the regular files that are used, by where they are to be unpacked.

    Refuse an archive that lacks a part, or has any member that tarfile's filter 'data' refuses:
    one that leads outside, or a device.
    """
    files, found = {}, set()
    for info in members:
        try:
            tarfile.data_filter(info, str(path))  # any path will do: nothing is unpacked yet
        except tarfile.FilterError as error:
            raise InputError(
                f'{path}: member {info.name!r} is not safe ({error}); nothing was used'
            ) from error
        member = posixpath.normpath(info.name)
        if info.size > LARGEST_MEMBER:
            raise InputError(
                f'{path}: member {info.name!r} of {info.size / 2**30:.1f} GiB is too large; '
                'nothing was used'
            )
        folder, name = posixpath.split(member)
        if info.isreg() and (member in parts or folder in parts):
            files[parts.get(member) or f'{parts[folder]}/{name}'] = info
            found |= {member, folder}
    for part in parts:
        if part not in found:
            raise InputError(f'{path} holds no {part}{hint}')
    return files


def make_train_aug(
    dataset: StagedDataset, archives: Mapping[str, Path], expected: int, report: Report
) -> None:
    """Check the ids of the lists, and prepare masks and list of train_aug."""
    lists = {
        f'{name} {split}': read_ids(dataset.find(folder)[f'{split}.txt'], archives[name])
        for name, folder in (('VOC', voc.LISTS), ('SBD', 'SBD'))
        for split in ('train', 'val')
    }
    val = set(lists['VOC val'])
    train_aug = sorted({*lists['VOC train'], *lists['SBD train'], *lists['SBD val']} - val)
    if expected not in (0, len(train_aug)):
        counts = ', '.join(f'{name} {len(ids)}' for name, ids in lists.items())
        raise InputError(
            f'train_aug would have {len(train_aug)} images, expected {expected} ({counts}; VOC '
            f'train and SBD without VOC val). Check that {archives["VOC"]} is {CONTENTS["VOC"]} '
            f'(train 1464, val 1449), and that {archives["SBD"]} is {CONTENTS["SBD"]} (train '
            '8498, val 2857); for other lists give --expected, 0 for any number'
        )
    own = dataset.root / TRAIN_AUG
    if own.exists() and sorted(own.read_text('utf-8').split()) != train_aug:
        hint = 'move it away, or choose another folder'
        raise InputError(f'{own} names other images than these archives; {hint}')
    make_masks(dataset, sorted({*train_aug, *val}), archives, report)
    with written_whole(dataset.part / TRAIN_AUG) as temporary:
        temporary.write_text(''.join(f'{name}\n' for name in train_aug), 'utf-8')


def read_ids(path: Path, archive: Path) -> list[str]:
    """Return the first word of every line of a list that is not blank."""
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f'{archive}, {path.name}: not a text file ({error.reason})') from error
    return [line.split()[0] for line in lines if line.strip()]


def make_masks(
    dataset: StagedDataset, ids: Sequence[str], archives: Mapping[str, Path], report: Report
) -> None:
    """Prepare the masks of SegmentationClassAug, after checking that every image has its files."""
    images, voc_masks, sbd_masks, there = (
        dataset.find(folder) for folder in (voc.IMAGES, voc.MASKS, 'SBD/cls', voc.AUG_MASKS)
    )
    files = {
        f'images in {archives["VOC"]}': images,
        f'annotations in {archives["VOC"]}': dataset.find(voc.ANNOTATIONS),
        f'masks in {archives["VOC"]} and {archives["SBD"]}': voc_masks | sbd_masks,
    }
    for what, known in files.items():
        missing = sorted(set(ids).difference(path.stem for path in known.values()))
        if missing:
            count = f'{len(missing)} of {len(ids)} ids of the lists have no {what}'
            raise InputError(f'{count}:\n{first_lines(missing)}')
    todo = [name for name in ids if f'{name}.png' not in there]
    for done, name in enumerate(todo, 1):
        if f'{name}.png' in voc_masks:
            where = f'{archives["VOC"]}, {voc.MASKS}/{name}.png'
            mask = read_voc_mask(voc_masks[f'{name}.png'], where)
        else:
            where = f'{archives["SBD"]}, cls/{name}.mat'
            mask = read_sbd_mask(sbd_masks[f'{name}.mat'], where)
        voc.mask_values(mask, where)
        try:
            height, width, _ = read_header(str(images[f'{name}.jpg']))
        except InputError as error:
            raise InputError(f'{archives["VOC"]}: {error}') from error
        if mask.shape != (height, width):
            raise InputError(
                f'{where}: is {mask.shape[1]} x {mask.shape[0]}, its image {name}.jpg is '
                f'{width} x {height} (width x height)'
            )
        path = dataset.part / voc.AUG_MASKS / f'{name}.png'
        write_label(path, mask, voc_palette(len(voc.VOC_CLASSES)))
        report('masks', done, len(todo))


def check_mat(data: bytes) -> None:
    """Check the sizes and checksums of a MATLAB file: SciPy may crash on a damaged one."""
    order = '>' if data[126:128] == b'MI' else '<'
    place = 128  # after the header
    while place < len(data):
        kind, size = struct.unpack_from(f'{order}II', data, place)
        content = data[place + 8 : place + 8 + size]
        if kind == MAT_COMPRESSED:
            unpacked = zlib.decompress(content)  # which checks the sum
            kind, inner = struct.unpack_from(f'{order}II', unpacked)
            content, fits = unpacked[8:], inner == len(unpacked) - 8
        else:
            fits = len(content) == size
        flags = struct.pack(f'{order}II', 6, 8)  # with which every matrix begins
        if kind != MAT_MATRIX or not fits or not content.startswith(flags):
            raise ValueError(f'it is damaged or cut off at byte {place}')
        place += 8 + size


def read_voc_mask(path: Path, where: str) -> np.ndarray:
    """Read a mask, (H, W) uint8; messages call it ``where``, not by its temporary folder."""
    try:
        return read_label(path)
    except InputError as error:
        raise InputError(f'{where}: not a readable mask ({error})') from error


def read_sbd_mask(path: Path, where: str) -> np.ndarray:
    """Return (H, W) integers, the field Segmentation of the struct GTcls in ``cls/<id>.mat``."""
    try:
        with reading(path, 'MATLAB file with GTcls.Segmentation'):
            check_mat(path.read_bytes())
            mask = loadmat(path, variable_names=['GTcls'])['GTcls']['Segmentation'][0, 0]
    except InputError as error:
        raise InputError(f'{where}: {error}') from error
    if mask.ndim != 2 or mask.dtype.kind not in 'iu':
        raise InputError(
            f'{where}: GTcls.Segmentation is {mask.dtype} of shape {mask.shape}, expected '
            'integers (height, width)'
        )
    return mask


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    add = parser.add_argument
    add('voc_tar', type=Path, help='VOCtrainval_11-May-2012.tar')
    add('sbd_tgz', type=Path, help="SBD's benchmark.tgz")
    add('--test-tar', type=Path, help='VOC2012test.tar: adds the test images')
    add('--out', type=Path, default=Path('data/VOCdevkit'), help='folder of VOC2012')
    add('--any-checksum', action='store_true', help='take archives that are not as published')
    add('--expected', type=int, default=TRAIN_AUG_SIZE, help='images of train_aug; 0 for any')
    add('--saliency', type=Path, help='also check this folder of saliency maps for train_aug')
    return parser.parse_args(argv)


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    archives = {'VOC': args.voc_tar, 'SBD': args.sbd_tgz, 'VOC test': args.test_tar}
    archives = {name: path for name, path in archives.items() if path}
    root, progress = args.out / 'VOC2012', {}

    def report(title: str, done: int, total: int) -> None:
        progress.setdefault(title, Progress(title)).step(done, total)

    ids, written = prepare_voc_aug(archives, args.out, args.expected, args.any_checksum, report)
    state = 'written' if written else 'complete already, kept'
    print(f'{root}: {state}; {len(ids)} images in train_aug')
    if args.saliency:
        check_saliency(args.saliency, ids, root / voc.IMAGES)
        print(f'{args.saliency}: {len(ids)} saliency maps, all of the right size')


if __name__ == '__main__':
    main()
