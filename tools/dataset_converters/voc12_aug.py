#!/usr/bin/env python
"""Prepare VOC 2012 with SBD's masks (train_aug) from the archives as they are published.

Written below ``OUT/VOC2012``: the images, masks, annotations and lists of the VOC archives,
``SegmentationClassAug/<id>.png`` (VOC's own mask where VOC has one, otherwise SBD's) and
``ImageSets/Segmentation/train_aug.txt``. All is checked before it is put in place. A call that was
killed can be repeated; one that finds everything done says so.

Example: python tools/dataset_converters/voc12_aug.py VOCtrainval_11-May-2012.tar benchmark.tgz
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmdrs.datasets.preparation.voc_aug import TRAIN_AUG_SIZE, prepare_voc_aug
from mmdrs.datasets.saliency_check import check_saliency
from mmdrs.engine import Progress
from mmdrs.errors import InputError


class ProgressLines:
    """Progress lines of steps that follow each other."""

    def __init__(self) -> None:
        self.steps: dict[str, Progress] = {}

    def tell(self, title: str, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` are behind in the step of this title."""
        self.steps.setdefault(title, Progress(title)).step(done, total)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('voc_tar', type=Path, help='VOCtrainval_11-May-2012.tar')
    parser.add_argument('sbd_tgz', type=Path, help="SBD's benchmark.tgz")
    parser.add_argument('--test-tar', type=Path, help='VOC2012test.tar: adds the test images')
    parser.add_argument(
        '--out', type=Path, default=Path('data/VOCdevkit'), help='folder of VOC2012'
    )
    parser.add_argument(
        '--expected',
        type=int,
        default=TRAIN_AUG_SIZE,
        help='number of images that train_aug must have; 0 for any',
    )
    parser.add_argument(
        '--saliency', type=Path, help='also check this folder of saliency maps for train_aug'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    try:
        made = prepare_voc_aug(
            args.voc_tar,
            args.sbd_tgz,
            args.out,
            args.test_tar,
            args.expected,
            ProgressLines().tell,
        )
        state = 'written' if made.written else 'complete already, kept'
        print(f'{made.root}: {state}; {len(made.train_aug)} images in train_aug')
        if args.saliency:
            check_saliency(args.saliency, made.train_aug, made.root / 'JPEGImages')
            print(f'{args.saliency}: {len(made.train_aug)} saliency maps, all of the right size')
    except (InputError, OSError) as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
