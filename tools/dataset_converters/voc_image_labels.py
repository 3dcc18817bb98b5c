#!/usr/bin/env python
"""Write image-level label lists of VOC 2012: lines '2007_000032 0 14', classes from 0.

SOURCE is 'masks' (SegmentationClassAug), 'xml' (the objects of Annotations, difficult ones too),
or a list: .txt, .csv, or the .npy dict that other repositories ship, which is read without running
what it pickles. Written: SPLIT_cls.txt, SPLIT_cls_xml.txt or SPLIT_cls_STEM.txt. The sources
differ: an object may have a box and no pixel, or pixels and no box.

Example: python tools/dataset_converters/voc_image_labels.py data/VOCdevkit/VOC2012 --source masks
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.formats import (
    VOC_CLASSES,
    ImageLabels,
    labels_from_list,
    labels_from_masks,
    labels_from_xml,
    read_id_list,
    read_label_list,
    write_label_list,
)
from mmdrs.datasets.formats.voc import LISTS
from mmdrs.engine import Progress
from mmdrs.errors import InputError


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('voc_root', type=Path, help='the folder VOC2012')
    parser.add_argument('--source', required=True, help="'masks', 'xml', or a list of labels")
    parser.add_argument('--splits', nargs='+', default=['train_aug', 'train', 'val'])
    parser.add_argument(
        '--skip-difficult', action='store_true', help='leave out difficult objects (xml)'
    )
    parser.add_argument('--out-dir', type=Path, help='folder of the lists, else beside SPLIT.txt')
    args = parser.parse_args(argv)
    if args.skip_difficult and args.source != 'xml':
        parser.error('--skip-difficult is for --source xml')
    if args.source not in ('masks', 'xml') and Path(args.source).stem == 'xml':
        parser.error(f'a list named {args.source} would be taken for --source xml; rename it')
    return args


def read_labels(args: argparse.Namespace, split: str) -> list[ImageLabels]:
    """Read the labels of a split's images from the source of the command line."""
    ids = [image.id for image in read_id_list(args.voc_root / LISTS / f'{split}.txt')]
    step = Progress(f'{split} from {args.source}').step
    if args.source == 'masks':
        return labels_from_masks(args.voc_root, ids, step)
    if args.source == 'xml':
        return labels_from_xml(args.voc_root, ids, args.skip_difficult, step)
    return labels_from_list(args.source, ids)


def list_path(args: argparse.Namespace, split: str) -> Path:
    """Where the list of a split is written."""
    kind = {'masks': '', 'xml': '_xml'}.get(args.source, f'_{Path(args.source).stem}')
    return (args.out_dir or args.voc_root / LISTS) / f'{split}_cls{kind}.txt'


def print_summary(path: Path, split: str, images: Sequence[ImageLabels]) -> None:
    """Print what a list holds and how it differs from those of other sources beside it."""
    mean = sum(len(image.labels) for image in images) / len(images)
    unlabelled = [image.id for image in images if not image.labels]
    print(
        f'{path}: {len(images)} images, {mean:.2f} classes on average, '
        f'{len(unlabelled)} without any'
    )
    if unlabelled:
        print(f'  without any: {" ".join(unlabelled)}')
    for other in sorted(path.parent.glob(f'{split}_cls*.txt')):
        if other != path:
            print(f'  {comparison(images, other)}')


def comparison(images: Sequence[ImageLabels], other: Path) -> str:
    """Say in how many images the labels differ from those of another list."""
    try:
        theirs = {image.id: image.labels for image in read_label_list(other, VOC_CLASSES[1:])}
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
    # All are read before the first is written: an error leaves no set of mixed lists.
    splits = {split: read_labels(args, split) for split in args.splits}
    for split, images in splits.items():
        write_label_list(list_path(args, split), images)
        print_summary(list_path(args, split), split, images)


if __name__ == '__main__':
    main()
