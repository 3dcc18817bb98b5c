#!/usr/bin/env python
"""Write image-level label lists of VOC 2012: lines '2007_000032 0 14', classes from 0.

SOURCE is 'masks' (SegmentationClassAug), 'xml' (the objects of Annotations, difficult ones too),
or a list: .txt, .csv, or the .npy dict that other repositories ship, which is read without running
what it pickles. Written: SPLIT_cls.txt, SPLIT_cls_xml.txt or SPLIT_cls_STEM.txt. The sources
differ: an object may have a box and no pixel, or pixels and no box.

A data set of a few classes: --only-classes keeps the images whose masks hold nothing but
background, void and these classes, and numbers labels and masks in the order given. An image to
which another source gives another class is dropped as well. Written: SPLIT_SUBSET_cls.txt and the
masks SegmentationClass_SUBSET/. --sample N keeps N images of each list, evenly spaced
(SPLIT_SUBSET_N_cls.txt).

Example: python tools/dataset_converters/voc_image_labels.py data/VOCdevkit/VOC2012 --source masks
    python tools/dataset_converters/voc_image_labels.py data/VOCdevkit/VOC2012 --source masks
    --splits train_aug --subset pets --only-classes cat dog --sample 500 --with train
"""

import argparse
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from voc_class_subset import (
    ClassSubset,
    images_of_subset,
    masks_folder,
    sample_images,
    write_masks,
)
from voc_layout import ANNOTATIONS, AUG_MASKS, LISTS, VOC_CLASSES, mask_values

from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.file_checks import check_exist
from mmdrs.datasets.label_formats.list_writer import write_label_list
from mmdrs.datasets.label_formats.npy_vectors import read_npy_labels
from mmdrs.datasets.label_formats.voc_xml import read_voc_objects
from mmdrs.datasets.label_lists import (
    ImageLabels,
    read_id_list,
    read_label_list,
)
from mmdrs.engine import Progress
from mmdrs.errors import InputError, first_lines, naming
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.label_file import read_label

#: Called with the number of images that are done, and of all.
Step = Callable[[int, int], None]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('voc_root', type=Path, help='the folder VOC2012')
    parser.add_argument('--source', required=True, help="'masks', 'xml', or a list of labels")
    parser.add_argument('--splits', nargs='+', default=['train_aug', 'train', 'val'])
    parser.add_argument(
        '--skip-difficult', action='store_true', help='leave out difficult objects (xml)'
    )
    parser.add_argument(
        '--only-classes', nargs='+', metavar='NAME', help='images of these classes only'
    )
    parser.add_argument('--subset', metavar='NAME', help='name of the data set of these classes')
    parser.add_argument('--sample', type=int, metavar='N', help='keep N images of each list')
    parser.add_argument(
        '--with', dest='preferred', metavar='SPLIT', help='sample the images of SPLIT first'
    )
    parser.add_argument(
        '--out-dir',
        type=Path,
        help='folder of the lists, else beside SPLIT.txt, and of the folder of masks',
    )
    args = parser.parse_args(argv)
    check_args(parser, args)
    return args


def check_args(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Exit with a message where options do not fit together."""
    if args.skip_difficult and args.source != 'xml':
        parser.error('--skip-difficult is for --source xml')
    if args.source not in ('masks', 'xml') and Path(args.source).stem == 'xml':
        parser.error(f'a list named {args.source} would be taken for --source xml; rename it')
    if bool(args.only_classes) != bool(args.subset):
        parser.error('--only-classes and --subset go together')
    if args.subset and (not re.fullmatch(r'[\w-]+', args.subset) or '_cls' in args.subset):
        parser.error("--subset is part of file names: letters, digits, '-' and '_', no '_cls'")
    if args.preferred and args.sample is None:
        parser.error('--with is for --sample')
    if args.sample is not None and args.sample < 1:
        parser.error('--sample must be at least 1')
    taken = {*args.splits, 'train_aug'} & {list_name(args, split) for split in args.splits}
    if (args.subset or args.sample) and taken:
        parser.error(f'the list of {taken.pop()} would be overwritten; choose another --subset')


@dataclass(frozen=True)
class LabelledSplit:
    """What the list of a split is to hold.

    Attributes:
        images: The images, labels 0-based.
        chosen: How they were chosen of those of the split; '' for all of them.
    """

    images: Sequence[ImageLabels]
    chosen: str = ''


def read_split(args: argparse.Namespace, split: str, subset: ClassSubset | None) -> LabelledSplit:
    """Read the labels of the images of a split that the command line asks for.

    Raises:
        InputError: If a file is missing or wrong, or too few images are left.
    """
    ids = split_ids(args.voc_root, split)
    if subset:
        images, chosen = read_subset(args, split, ids, subset)
    else:
        images, chosen = read_labels(args, split, ids), f'{len(ids)} images of {split}'
    if args.sample is None:
        return LabelledSplit(images, chosen if subset else '')
    preferred = set(split_ids(args.voc_root, args.preferred)) if args.preferred else set()
    with naming(f'--sample {args.sample}, {list_name(args, split)}'):
        images = sample_images(images, args.sample, preferred)
    chosen += f'; sampled: {len(images)}'
    if args.preferred:
        count = sum(image.id in preferred for image in images)
        chosen += f', of them {count} of {args.preferred}'
    return LabelledSplit(images, chosen)


def split_ids(voc_root: Path, split: str) -> list[str]:
    """The ids of the list of a split."""
    return [image.id for image in read_id_list(voc_root / LISTS / f'{split}.txt')]


def read_subset(
    args: argparse.Namespace, split: str, ids: Sequence[str], subset: ClassSubset
) -> tuple[list[ImageLabels], str]:
    """Read the images of a few classes, and say how many there are."""
    step = Progress(f'{split} from masks').step
    images = images_of_subset(labels_from_masks(args.voc_root, ids, step), subset)
    chosen = f'{len(images)} of {len(ids)} images of {split} hold only these classes'
    if args.source != 'masks' and images:
        labelled = read_labels(args, split, [image.id for image in images])
        images = [image for image in labelled if subset.covers(image)]
        chosen += f'; dropped: {len(labelled) - len(images)} with another class in {args.source}'
    if not images:
        raise InputError(
            f'{list_name(args, split)}: no image is left ({chosen}: {" ".join(subset.classes)})'
        )
    return [subset.renumbered(image) for image in images], chosen


def read_labels(args: argparse.Namespace, split: str, ids: Sequence[str]) -> list[ImageLabels]:
    """Read the labels of images of a split, as in VOC, from the source of the command line."""
    step = Progress(f'{split} from {args.source}').step
    if args.source == 'masks':
        return labels_from_masks(args.voc_root, ids, step)
    if args.source == 'xml':
        return labels_from_xml(args.voc_root, ids, args.skip_difficult, step)
    return labels_from_list(args.source, ids)


def list_name(args: argparse.Namespace, split: str) -> str:
    """The name of the split that is written: of a subset, a sample, or the split itself."""
    return '_'.join(str(part) for part in (split, args.subset, args.sample) if part)


def list_path(args: argparse.Namespace, split: str) -> Path:
    """Where the list of a split is written."""
    kind = {'masks': '', 'xml': '_xml'}.get(args.source, f'_{Path(args.source).stem}')
    name = f'{list_name(args, split)}_cls{kind}.txt'
    return (args.out_dir or args.voc_root / LISTS) / name


def print_summary(path: Path, name: str, split: LabelledSplit, classes: Sequence[str]) -> None:
    """Print what a list holds and how it differs from those of other sources beside it.

    Args:
        path: The list.
        name: The name of what it lists, with which those of other sources begin.
        split: What was written.
        classes: Foreground classes.
    """
    images = split.images
    mean = sum(len(image.labels) for image in images) / len(images)
    unlabelled = [image.id for image in images if not image.labels]
    print(
        f'{path}: {len(images)} images, {mean:.2f} classes on average, '
        f'{len(unlabelled)} without any'
    )
    if split.chosen:
        print(f'  {split.chosen}')
        counts = Counter(classes[label] for image in images for label in image.labels)
        print(f'  {", ".join(f"{item} {counts[item]}" for item in classes)}')
    if unlabelled:
        print(f'  without any: {" ".join(unlabelled)}')
    for other in sorted(path.parent.glob(f'{name}_cls*.txt')):
        if other != path:
            print(f'  {comparison(images, other, classes)}')


def comparison(images: Sequence[ImageLabels], other: Path, classes: Sequence[str]) -> str:
    """Say in how many images the labels differ from those of another list."""
    try:
        theirs = {image.id: image.labels for image in read_label_list(other, classes)}
    except InputError as error:  # no fault of the list that was written
        return f'not compared: {error}'
    ours = {image.id: image.labels for image in images}
    common, only_one = ours.keys() & theirs.keys(), ours.keys() ^ theirs.keys()
    differ = sum(ours[name] != theirs[name] for name in common)
    line = f'differs from {other.name} in {differ} of {len(common)} images'
    return f'{line}; {len(only_one)} are in one of them only' if only_one else line


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    subset = ClassSubset(args.subset, tuple(args.only_classes)) if args.subset else None
    # All are read before the first is written: an error leaves no set of mixed lists.
    splits = {split: read_split(args, split, subset) for split in args.splits}
    if subset:
        write_subset_masks(args, splits.values(), subset)
    for split, found in splits.items():
        write_label_list(list_path(args, split), found.images)
        classes = subset.classes if subset else VOC_CLASSES[1:]
        print_summary(list_path(args, split), list_name(args, split), found, classes)


def write_subset_masks(
    args: argparse.Namespace, splits: Iterable[LabelledSplit], subset: ClassSubset
) -> None:
    """Write the masks of all listed images, and say how many there are."""
    ids = list(dict.fromkeys(image.id for split in splits for image in split.images))
    folder = masks_folder(args.out_dir or args.voc_root, subset)
    step = Progress(f'masks of {subset.name}').step
    written = write_masks(args.voc_root, folder, ids, subset, step)
    print(f'{folder}: {len(ids)} masks, {written} of them written now')


def labels_from_masks(
    voc_root: str | os.PathLike, ids: Sequence[str], step: Step = lambda done, total: None
) -> list[ImageLabels]:
    """Take the classes that have a pixel in ``SegmentationClassAug/<id>.png``.

    Args:
        voc_root: The folder ``VOC2012``.
        ids: Image ids.
        step: Reports the progress.

    Returns:
        One record per id, in their order.

    Raises:
        MissingFileError: If masks are missing; names the first and counts them.
        InputError: If a mask cannot be read, or holds another value than 0..20 and 255.
    """

    def labels(path: Path) -> list[int]:
        values = mask_values(read_label(path), str(path))
        return [value - 1 for value in values if value not in (0, IGNORE_LABEL)]

    paths = [Path(voc_root) / AUG_MASKS / f'{name}.png' for name in ids]
    hint = 'Make them with tools/dataset_converters/voc12_aug.py.'
    return _labels_of_files(ids, paths, hint, labels, step)


def labels_from_xml(
    voc_root: str | os.PathLike,
    ids: Sequence[str],
    skip_difficult: bool = False,
    step: Step = lambda done, total: None,
) -> list[ImageLabels]:
    """Take the classes of the objects in ``Annotations/<id>.xml``.

    As :func:`labels_from_masks`; ``skip_difficult`` leaves out objects marked as difficult. An
    unknown class is an InputError as well.
    """

    def labels(path: Path) -> list[int]:
        found = []
        for name, difficult in read_voc_objects(path):
            if name not in VOC_CLASSES[1:]:
                raise InputError(f'{path}: unknown class {name!r}; expected the 20 of VOC')
            if not (skip_difficult and difficult):
                found.append(VOC_CLASSES.index(name) - 1)
        return found

    paths = [Path(voc_root) / ANNOTATIONS / f'{name}.xml' for name in ids]
    hint = 'They are in VOCtrainval_11-May-2012.tar.'
    return _labels_of_files(ids, paths, hint, labels, step)


def labels_from_list(path: str | os.PathLike, ids: Sequence[str]) -> list[ImageLabels]:
    """Take the labels of the images in ``ids``, in their order, from a list.

    Args:
        path: A ``.txt`` or ``.csv`` as :func:`read_label_list` reads it, or a ``.npy`` dict as
            other repositories ship it, see :func:`read_npy_labels`.
        ids: Image ids; others of the list are left out.

    Raises:
        MissingFileError: If there is no such list.
        InputError: If it cannot be read, or lacks an id; names the first and counts them.
    """
    classes = VOC_CLASSES[1:]
    if Path(path).suffix.lower() == '.npy':
        known = read_npy_labels(path, len(classes)).labels
    else:
        known = {image.id: image.labels for image in read_label_list(path, classes)}
    missing = [name for name in ids if name not in known]
    if missing:
        raise InputError(
            f'{path}: lacks {len(missing)} of {len(ids)} ids:\n{first_lines(missing)}'
        )
    return [ImageLabels(name, known[name]) for name in ids]


def _labels_of_files(
    ids: Sequence[str],
    paths: Sequence[Path],
    hint: str,
    labels: Callable[[Path], list[int]],
    step: Step,
) -> list[ImageLabels]:
    folder = str(paths[0].parent) if paths else ''
    check_exist({folder: [str(path) for path in paths]}, {folder: hint})
    images = []
    for name, path in zip(ids, paths, strict=True):
        images.append(ImageLabels(name, tuple(sorted(set(labels(path))))))
        step(len(images), len(paths))
    return images


if __name__ == '__main__':
    main()
