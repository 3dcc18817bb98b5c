#!/usr/bin/env python
"""Make and check uploads for the evaluation server of PASCAL VOC 2012 (segmentation, test set).

'pack' makes one from the predictions that 'tools/test.py CONFIG CHECKPOINT --out DIR' wrote, the
same bytes for the same predictions. 'check' names everything that is wrong with any tar archive.

Challenges: comp5 is for training on data of VOC alone, comp6 for any other data. A backbone or a
saliency model that was pretrained elsewhere, on ImageNet say, means comp6, so that is the default.

Example: python tools/analysis_tools/voc_submission.py pack predictions results.tar.gz
    --images data/VOCdevkit/VOC2012/JPEGImages
    --list data/VOCdevkit/VOC2012/ImageSets/Segmentation/test.txt
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from voc_server.checking import archive_ids, check_submission
from voc_server.faults import CHALLENGES
from voc_server.packing import (
    TEST_IMAGES,
    pack_submission,
    read_sizes,
    read_test_ids,
    unlisted,
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    commands = parser.add_subparsers(dest='command', required=True)
    pack = commands.add_parser('pack', help='predictions to an archive, which is checked')
    pack.add_argument('predictions', type=Path, help='folder of <id>.png with class indices')
    pack.add_argument('out', type=Path, help='the archive to write, .tar.gz')
    check = commands.add_parser('check', help='what is wrong with an archive')
    check.add_argument('archive', type=Path, help='a tar archive, compressed or not')
    for subparser in (pack, check):
        subparser.add_argument(
            '--images',
            type=Path,
            required=subparser is pack,
            help='JPEGImages of the test data, for the sizes',
        )
        subparser.add_argument(
            '--list',
            type=Path,
            required=subparser is pack,
            help='test.txt; check without it takes the images of the archive',
        )
        subparser.add_argument(
            '--challenge',
            choices=CHALLENGES,
            default='comp6',
            help='comp5: trained on data of VOC alone; comp6 (default): any other data, which '
            'includes pretraining on ImageNet and saliency models',
        )
    return parser.parse_args(argv)


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    ids = archive_ids(args.archive) if args.list is None else read_test_ids(args.list)
    sizes = read_sizes(args.images, ids) if args.images else None
    if args.command == 'pack':
        pack_submission(args.predictions, args.out, sizes, args.challenge)
        left_out = unlisted(args.predictions, ids)
        if left_out:
            print(f'note: {left_out} other PNG files of {args.predictions} were left out')
        print(f'{args.out}: {len(ids)} files, packed and checked for {args.challenge}')
    else:
        check_submission(args.archive, ids, sizes, args.challenge)
        note = '' if args.list else '; whether images are missing was not checked: --list'
        note += '' if sizes else '; sizes were not checked, that needs --images'
        print(f'{args.archive}: {len(ids)} files, all right for {args.challenge}{note}')
    if len(ids) != TEST_IMAGES:
        listed = args.list or args.archive
        print(f'note: the test set of VOC 2012 has {TEST_IMAGES:,} images, {listed} {len(ids)}')


if __name__ == '__main__':
    main()
