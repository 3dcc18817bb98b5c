"""Masks for other programs, and the network as ONNX.

    mmdrs export run photo.jpg folder --format coco --out masks.json
    mmdrs export run --labels pseudo_labels --format polygons --out labelme
    mmdrs export run --format onnx --out segmentor.onnx

coco     one JSON: a compressed RLE mask for each class of an image
polygons LabelMe's JSON for each image; what lies in a hole follows as a polygon of its own class
         (_background_ where it is none), because LabelMe paints in the order of the file
png      palette PNGs, values are the classes
onnx     the network, for any batch and size, compared with PyTorch before it is written; needs
         pip install 'mmdrs[onnx]'

Predictions are made of the images that are given, by the network that mmdrs predict takes; pseudo
labels are those of the training images of the run. Pixels without a label (255) are in no mask.
Images that cannot be read are left out and named at the end.

The ONNX file is used without MMSegmentation:

    import json
    import cv2
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession('segmentor.onnx')
    notes = session.get_modelmeta().custom_metadata_map
    classes, resize = json.loads(notes['classes']), json.loads(notes['resize'])
    image = cv2.imread('photo.jpg')[..., ::-1]
    height, width = image.shape[:2]
    size = width, height
    if resize and resize['keep_ratio']:
        longest, shortest = resize['scale']
        factor = min(longest / max(size), shortest / min(size))
        size = int(width * factor + 0.5), int(height * factor + 0.5)
    elif resize:
        size = tuple(resize['scale'])
    resized = cv2.resize(image, size).transpose(2, 0, 1)[None].astype(np.float32)
    (scores,) = session.run(['scores'], {'image': resized})
    scores = cv2.resize(scores[0].transpose(1, 2, 0), (width, height))
    label = scores.argmax(axis=-1)
    print([classes[index] for index in np.unique(label)])
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mmdrs.apis import init_model
from mmdrs.cli.arguments import command, command_parser
from mmdrs.cli.networks import add_network_arguments, network_arguments
from mmdrs.datasets.image_folder import find_images
from mmdrs.errors import InputError, first_lines
from mmdrs.reporting.export.coco import write_coco
from mmdrs.reporting.export.labelled_images import (
    PSEUDO_LABELS,
    LabelledImages,
    predicted_images,
    pseudo_labelled_images,
)
from mmdrs.reporting.export.onnx_file import export_onnx
from mmdrs.reporting.export.pngs import write_pngs
from mmdrs.reporting.export.polygons import write_polygons

PREDICTIONS = 'predictions'
_SUFFIXES = dict(coco='.json', onnx='.onnx')


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    add_network_arguments(parser)
    parser.add_argument(
        '--format', required=True, choices=('coco', 'polygons', 'png', 'onnx'), help='see above'
    )
    parser.add_argument(
        '--labels', choices=(PREDICTIONS, PSEUDO_LABELS), default=PREDICTIONS, help='which masks'
    )
    parser.add_argument('--out', required=True, type=Path, metavar='PATH', help='file or folder')
    parser.add_argument('--data-root', type=Path, help='the data of the run, if they have moved')
    parser.add_argument('--overwrite', action='store_true', help='replace what is at OUT')
    args = parser.parse_args(argv)
    network, inputs = network_arguments(parser, args)
    _check_out(args)
    if args.format == 'onnx':
        _no_images(inputs, '--format onnx')
        difference = export_onnx(init_model(**network), args.out)
        print(f'network: {args.out}; at most {difference:.1g} of the largest score from PyTorch')
        return
    images = _images(parser, args, network, inputs)
    _write(args, images)
    if images.failed:
        raise InputError(
            f'{len(images.failed)} of the images have no masks and were left out:\n'
            + first_lines([*images.failed.values()], limit=20)
        )


def _write(args: argparse.Namespace, images: LabelledImages) -> None:
    if args.format == 'coco':
        written = f', {write_coco(args.out, images)} masks'
    elif args.format == 'polygons':
        written = f', {write_polygons(args.out, images)} polygons'
    else:
        written = ''
        write_pngs(args.out, images)
    print(f'{len(images) - len(images.failed)} images{written}: {args.out}')


def _images(
    parser: argparse.ArgumentParser, args: argparse.Namespace, network: dict, inputs: list[str]
) -> LabelledImages:
    if args.labels == PSEUDO_LABELS:
        _no_images(inputs, f'--labels {PSEUDO_LABELS}')
        if 'run' not in network:
            parser.error(f'--labels {PSEUDO_LABELS} needs RUN, not --config')
        return pseudo_labelled_images(network['run'], args.data_root)
    if not inputs:
        parser.error(f'give images or folders of images, or --labels {PSEUDO_LABELS}')
    paths = find_images(inputs, args.out)
    return predicted_images(init_model(**network), paths, args.tile, args.batch_size)


def _no_images(inputs: list[str], option: str) -> None:
    if inputs:
        raise InputError(f'{option} takes no images: leave out {" ".join(inputs)}')


def _check_out(args: argparse.Namespace) -> None:
    """Refuse to overwrite.

    Raises:
        InputError: If there is such a file or a folder with content, or the suffix is another.
    """
    out, suffix = args.out, _SUFFIXES.get(args.format)
    if suffix and out.suffix.lower() != suffix:
        raise InputError(
            f'--out {out}: --format {args.format} writes a file that ends in {suffix}'
        )
    if suffix is None and out.exists() and not out.is_dir():
        raise InputError(f'--out {out}: --format {args.format} writes a folder, this is a file')
    taken = out.is_file() if suffix else out.is_dir() and any(out.iterdir())
    if taken and not args.overwrite:
        raise InputError(f'--out {out} is there; give another one, or --overwrite')
