"""Segment images with the network of a run: masks, and pictures to look at.

    mmdrs predict run photo.jpg folder --out predictions
    mmdrs predict --config segmentation.py --checkpoint epoch_30.pth photo.jpg --out predictions

RUN is the work directory of mmdrs run; its newest finished segmentation network is taken, rounds
of self-training included. Its configs are Python and run: use one that you trust.

OUT/masks holds palette PNGs of the size of the image whose values are the classes, OUT/overlays
the classes over the image with a legend (at most 2048 pixels), OUT/probabilities with
--probabilities .npz files: `levels` uint8 (K, H, W), 255 for 1, of the K `classes` (indices) above
0 somewhere. Images from folders keep their paths below them. Called again, finished images are
skipped.

Tiles are windows of the network's input, that is the image after the resizing of the config's test
pipeline, so that objects have the size that the network has learned. auto takes tiles of 1024
pixels where a whole image would take gigabytes; other images are predicted as MMSegmentation does.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmdrs.apis import init_model
from mmdrs.apis.prediction.files import Outcome, predict_files
from mmdrs.apis.prediction.folder import MASKS, OVERLAYS, PredictedFolder
from mmdrs.cli.arguments import command, command_parser
from mmdrs.cli.networks import add_network_arguments, network_arguments
from mmdrs.datasets.image_folder import find_images
from mmdrs.errors import InputError, first_lines


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    add_network_arguments(parser)
    parser.add_argument('--out', required=True, type=Path, metavar='DIR', help='folder of results')
    parser.add_argument('--probabilities', action='store_true', help='write them, too')
    parser.add_argument(
        '--overwrite', action='store_true', help='predict anew, whatever OUT holds of mmdrs'
    )
    args = parser.parse_args(argv)
    network, inputs = network_arguments(parser, args)
    if not inputs:
        parser.error('give images or folders of images')
    images = find_images(inputs, args.out)
    model = init_model(**network)
    folder = PredictedFolder(args.out, model, args.tile, args.probabilities)
    outcome = predict_files(images, folder, args.batch_size, args.overwrite)
    _conclude(args, outcome, model.classes)


def _conclude(args: argparse.Namespace, outcome: Outcome, classes: Sequence[str]) -> None:
    """Say what was found.

    Raises:
        InputError: If images could not be predicted; names them.
    """
    kept = f', {outcome.kept} were finished' if outcome.kept else ''
    print(f'{outcome.predicted} images predicted{kept}')
    if outcome.classes:
        counts = sorted(outcome.classes.items())
        print('  ' + ', '.join(f'{classes[index]}: {count}' for index, count in counts))
    if outcome.background_only:
        print(
            f'warning: every image is {classes[0]} only; look at the scores of the run (mmdrs '
            'report), and whether these images are like those of its training'
        )
    print(f'masks: {args.out / MASKS}\npictures: {args.out / OVERLAYS}')
    if outcome.failed:
        raise InputError(
            f'{len(outcome.failed)} of the images could not be predicted and were left out:\n'
            + first_lines([*outcome.failed.values()], limit=20)
        )
