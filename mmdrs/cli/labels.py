"""Write a list of images with their labels, from the labels that you have.

    mmdrs labels photos --out train_cls.csv
    mmdrs labels annotations/instances.json --images photos --out train_cls.csv --split 0.2
    mmdrs labels masks --colours labelmap.txt --images photos --out train_cls.csv

SOURCE is a file or folder: class folders, a text list, a CSV table, cls_labels.npy, JSON of COCO
or LabelMe, XML of VOC or CVAT, text files of YOLO, masks, or images with labels in their names
([1101]). The list has the columns id and labels. --split writes a second list, of validation
images, beside it: val_cls.csv beside train_cls.csv.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from mmdrs.cli.label_source import (
    add_label_arguments,
    check_label_arguments,
    read_options,
    refuse_existing,
    summary,
)
from mmdrs.datasets.label_formats.detection import chosen_format
from mmdrs.datasets.label_formats.labelled import LabelledImages, Source
from mmdrs.datasets.label_formats.list_writer import write_label_list
from mmdrs.datasets.label_formats.locating import locate_images
from mmdrs.datasets.label_formats.splitting import drawn_split, given_split
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError, MissingFileError


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('source', type=Path, help='file or folder of the labels')
    parser.add_argument('--out', type=Path, required=True, help='list to write, .csv or .txt')
    add_label_arguments(parser)
    args = parser.parse_args(argv)
    check_label_arguments(parser, args)
    own = frozenset({args.out, val_path(args.out)})
    source, options = Source(args.source, ignored=own), read_options(args)
    detected = chosen_format(source, args.format, options)
    print(detected.describe())
    found = _located(detected.read(source, options), source, args.images)
    lists = _lists(found, args)
    refuse_existing(lists, args.overwrite)
    for path, images in lists.items():
        write_label_list(path, images, found.classes)
    for path, images in lists.items():
        print(summary(path, images, found.classes))
    print(f'classes = {("background", *found.classes)}')
    if not found.named:
        print('The labels have no names of the classes: give them in their order with --classes.')


def _located(found: LabelledImages, source: Source, folder: Path | None) -> LabelledImages:
    """The labels with ids that are paths of the images, where these are found."""
    try:
        located = locate_images(found, source.root, folder)
    except MissingFileError:
        if folder is not None:
            raise
        print('The images are not there: ids are as the labels have them (--images DIR looks)')
        return found
    print(f'{len(found.images)} images below {os.path.relpath(located.folder)}')
    return located.labelled


def _lists(found: LabelledImages, args: argparse.Namespace) -> dict[Path, list[ImageLabels]]:
    """The lists to write: of training images, and of those for validation if there are any."""
    parts = given_split(found)
    train, val = parts['train'], parts['val']
    if val and args.split is not None:
        raise InputError('the source has images for validation already; leave out --split')
    if parts['test']:
        print(f'{len(parts["test"])} images for tests are left out')
    if args.split:
        train, val = drawn_split(train, args.split, args.seed)
    return {args.out: train, **({val_path(args.out): val} if val else {})}


def val_path(train: Path) -> Path:
    """``val_cls.csv`` beside ``train_cls.csv``; ``val_x.csv`` beside ``x.csv``."""
    name = train.name
    return train.with_name(name.replace('train', 'val') if 'train' in name else f'val_{name}')
