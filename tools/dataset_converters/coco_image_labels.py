#!/usr/bin/env python
"""Write an image-level label list from COCO's instances annotations (2014 or 2017).

A line is the file name of an image without suffix and its classes, 0-based in the order of the
category ids, as in 'COCO_train2014_000000000009 45 49 50'. Images without any class are listed
as well.

Example: python tools/dataset_converters/coco_image_labels.py instances_train2014.json
    --out train_cls.txt --classes-out classes.txt
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.label_formats.coco import read_coco
from mmdrs.datasets.label_formats.list_writer import write_label_list
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.files import written_whole


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('instances', type=Path, nargs='+', help='instances_*.json')
    parser.add_argument(
        '--out',
        type=Path,
        required=True,
        help='list to write: .txt, or .csv for names with blanks',
    )
    parser.add_argument(
        '--classes-out', type=Path, help="file for the class names, 'background' first"
    )
    parser.add_argument(
        '--min-area', type=float, default=0, help='leave out smaller annotations, in pixels'
    )
    parser.add_argument(
        '--skip-crowd', action='store_true', help='leave out annotations of crowds'
    )
    return parser.parse_args(argv)


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    images, classes = coco_image_labels(args.instances, args.min_area, args.skip_crowd)
    write_label_list(args.out, images)
    if args.classes_out:
        with written_whole(args.classes_out) as temporary:
            temporary.write_text(''.join(f'{name}\n' for name in classes), encoding='utf-8')
    mean = sum(len(image.labels) for image in images) / len(images)
    unlabelled = sum(not image.labels for image in images)
    print(
        f'{args.out}: {len(images)} images, {len(classes) - 1} classes, {mean:.2f} on average, '
        f'{unlabelled} without any'
    )


def coco_image_labels(
    paths: Sequence[str | Path], min_area: float = 0, skip_crowd: bool = False
) -> tuple[list[ImageLabels], list[str]]:
    """Read which classes are in which images.

    Args:
        paths: Instances annotations, all with the same categories.
        min_area: Leave out annotations of a smaller area, in pixels.
        skip_crowd: Leave out annotations of crowds, which count as presence otherwise.

    Returns:
        One record per image, in the order of the files; its id is the file name without suffix.
        The names of the classes, 'background' first, then in the order of the category ids.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If a file is no whole JSON file or no instances annotation, names an unknown
            image or category, or has an image or other categories than another file; names both.
    """
    found = read_coco(paths, min_area, skip_crowd)
    images = [replace(image, id=_stem(image.id)) for image in found.images]
    return images, ['background', *found.classes]


def _stem(file_name: str) -> str:
    """The file name without suffix."""
    return str(PurePosixPath(file_name).with_suffix(''))


if __name__ == '__main__':
    main()
