"""The arguments of commands that run a trained segmentation network."""

import argparse
from typing import Any


def add_network_arguments(parser: argparse.ArgumentParser) -> None:
    """Add RUN and images, or ``--config`` and ``--checkpoint``, and how the network runs."""
    parser.add_argument(
        'inputs',
        nargs='+',
        metavar='RUN|IMAGE',
        help='work directory of a run (not with --config), then images or folders of images',
    )
    parser.add_argument('--config', help='config of a segmentation network, in the place of RUN')
    parser.add_argument('--checkpoint', help='its weights')
    parser.add_argument(
        '--tile',
        type=_tile,
        default='auto',
        metavar='auto|N|0',
        help='predict large images in tiles: where needed, of N pixels, or never',
    )
    parser.add_argument(
        '--batch-size', type=_positive, default=1, metavar='N', help='images or tiles at once'
    )
    parser.add_argument('--device', help='such as cpu or cuda:0; default the GPU if there is one')


def network_arguments(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> tuple[dict[str, Any], list[str]]:
    """The arguments of :func:`mmdrs.apis.init_model`, and the images."""
    if (args.config is None) != (args.checkpoint is None):
        parser.error('--config and --checkpoint belong together')
    if args.config is None:
        run, *images = args.inputs
        return dict(run=run, device=args.device), images
    network = dict(config=args.config, checkpoint=args.checkpoint, device=args.device)
    return network, args.inputs


def _tile(text: str) -> int | str:
    if text == 'auto':
        return text
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f'{text!r} is neither auto nor a number of pixels')
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f'{text!r} is no number from 1')
    return int(text)
