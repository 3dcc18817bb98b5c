"""Labels of a user's own data, as `labels` and `init` take them from the command line."""

import argparse
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmdrs.datasets.label_formats.detection import FORMATS
from mmdrs.datasets.label_formats.labelled import ReadOptions, is_background
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError


def add_label_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say what the labels of a source are."""
    parser.add_argument(
        '--format',
        default='auto',
        metavar='NAME',
        help=f'of the labels: {", ".join(FORMATS)}, or the module of a format of your own',
    )
    parser.add_argument(
        '--classes',
        nargs='+',
        default=[],
        metavar='NAME',
        help='classes in their order, without background; default: as the labels name them',
    )
    parser.add_argument('--images', type=Path, metavar='DIR', help='folder of images')
    parser.add_argument(
        '--colours',
        type=Path,
        metavar='FILE',
        help='colours of the classes in masks: lines name,r,g,b, or labelmap.txt of CVAT',
    )
    parser.add_argument(
        '--split', type=float, metavar='SHARE', help='share of the images for validation, 0..1'
    )
    parser.add_argument('--seed', type=int, default=0, help='of the split')
    parser.add_argument('--overwrite', action='store_true', help='replace files that are there')


def check_label_arguments(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Exit with a message where a value is out of range."""
    if args.split is not None and not 0 <= args.split < 1:
        parser.error('--split is a share of the images, 0..1')
    if args.seed < 0:
        parser.error('--seed is at least 0')


def read_options(args: argparse.Namespace) -> ReadOptions:
    """What the command line says of the labels.

    Raises:
        InputError: If a class is named twice.
    """
    classes = tuple(args.classes)
    if classes and is_background(classes[0]):
        classes = classes[1:]
    if len(set(classes)) < len(classes):
        raise InputError(f'--classes: {" ".join(classes)} names a class twice')
    return ReadOptions(classes, args.colours)


def refuse_existing(paths: Iterable[Path], overwrite: bool) -> None:
    """Raise an InputError if a file is there and must not be overwritten."""
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        raise InputError(
            f'{there[0]} is there already; choose another --out, or replace it with --overwrite'
        )


def summary(title: object, images: Sequence[ImageLabels], classes: Sequence[str]) -> str:
    """How many images a list has, by class, and without label."""
    counts = Counter(label for image in images for label in image.labels)
    width = max(map(len, classes))
    lines = [f'{title}: {len(images)} images, {sum(not i.labels for i in images)} without label']
    lines += [f'  {name:<{width}}  {counts[number]}' for number, name in enumerate(classes)]
    return '\n'.join(lines)
