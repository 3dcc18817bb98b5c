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
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.formats import coco_image_labels, write_label_list
from mmdrs.files import written_whole


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('instances', type=Path, nargs='+', help='instances_*.json')
    parser.add_argument('--out', type=Path, required=True, help='list to write')
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


if __name__ == '__main__':
    main()
