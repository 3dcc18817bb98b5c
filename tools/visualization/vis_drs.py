#!/usr/bin/env python
"""Heat maps of a classifier with and without its DRS, side by side, and what each layer caps.

    python tools/visualization/vis_drs.py IMAGE... CONFIG CHECKPOINT --out drs.png

"Without" is the same network with the strength of its DRS layers at 0, or another network:
``--plain CONFIG CHECKPOINT``. Below it prints, for each layer, the share of the positive
activations that were capped and the mean control value.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmseg.models.segmentors import BaseSegmentor
from mmseg.registry import DATASETS
from PIL import Image

from mmdrs.apis import inference_class_maps, init_network, load_config
from mmdrs.cli.arguments import command, command_parser
from mmdrs.errors import InputError, MissingFileError
from mmdrs.files import written_whole
from mmdrs.models.layers.drs import SuppressionLayer
from mmdrs.models.layers.observation import Observation, observed, without_drs
from mmdrs.models.utils.cam import localization_maps
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.visualization import CORNER, contact_sheet, heat_map, written_on

HEIGHT = 192  # of a row of the picture, in pixels


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('images', nargs='+', help='image files')
    parser.add_argument('config', help='config of a classifier with DRS')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument(
        '--plain', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help='a network without DRS'
    )
    parser.add_argument(
        '--classes', nargs='+', help='classes to show; default those with the highest scores'
    )
    parser.add_argument('--top', type=int, default=2, help='how many, without --classes')
    parser.add_argument('--out', type=Path, default=Path('drs.png'), help='picture to write')
    parser.add_argument('--settings', help='settings file to apply to the config')
    return parser.parse_args(argv)


def load(config: str, checkpoint: str, settings: str | None) -> BaseSegmentor:
    """A model with its weights, in evaluation mode."""
    return init_network(load_config(config, settings=settings), checkpoint)


def chosen_classes(args: argparse.Namespace, cfg: Config, raw: torch.Tensor) -> dict[str, int]:
    """Names and indices of the classes to show."""
    names = class_names(cfg, len(raw))
    if args.classes:
        unknown = [name for name in args.classes if name not in names]
        if unknown:
            raise InputError(f'unknown class {unknown[0]!r}; known: {", ".join(names)}')
        return {name: names.index(name) for name in args.classes}
    best = raw.mean(dim=(1, 2)).topk(min(args.top, len(raw))).indices.tolist()
    return {names[index]: index for index in best}


def class_names(cfg: Config, count: int) -> list[str]:
    """Names of the foreground classes, numbers where the config has none."""
    dataset = cfg.test_dataloader.dataset
    classes = (dataset.get('metainfo') or {}).get('classes')
    if classes is None:
        classes = DATASETS.get(dataset.type).METAINFO.get('classes')
    return list(classes[1:]) if classes else [str(index) for index in range(count)]


def titled(picture: np.ndarray, text: str, height: int = HEIGHT) -> np.ndarray:
    """A picture at its height in the sheet, with a text in its corner."""
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    enlarged = Image.fromarray(picture).resize((width, height), Image.Resampling.NEAREST)
    return written_on(np.asarray(enlarged), [(text, CORNER)])


def layer_table(found: dict[str, list[Observation]]) -> str:
    """Lines with the share that each layer capped, and its mean control."""
    width = max(len(name) for name in found)
    lines = [f'{"layer":{width}}  capped  control']
    for name, seen in found.items():
        share = 100 * sum(o.suppressed for o in seen) / max(len(seen), 1)
        control = torch.cat([o.control for o in seen]).mean() if seen else float('nan')
        lines.append(f'{name:{width}}  {share:5.1f} %  {control:.3f}')
    return '\n'.join(lines)


def picture_rows(
    args: argparse.Namespace, model: BaseSegmentor, plain: BaseSegmentor | None
) -> tuple[list[list[np.ndarray]], dict[str, list[Observation]]]:
    """The pictures of each image: itself, and for each class without and with DRS.

    Returns:
        The rows, and what the DRS layers did in all images, by layer.
    """
    rows = []
    with observed(model) as found:
        with_drs = [inference_class_maps(model, path) for path in args.images]
    for path, raw in zip(args.images, with_drs, strict=True):
        with without_drs(model):
            other = inference_class_maps(plain or model, path)
        image = read_image(path)
        row = [image]
        for name, index in chosen_classes(args, model.cfg, raw).items():
            for maps in (other, raw):
                heat = localization_maps(maps[None], image.shape[:2])[0].numpy()[index, None]
                row.append(titled(heat_map(image, heat), name))
        rows.append(row)
    return rows, found


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    for path in args.images:
        if not Path(path).is_file():
            raise MissingFileError(f'{path}: no such image')
    model = load(args.config, args.checkpoint, args.settings)
    if not any(isinstance(m, SuppressionLayer) for m in model.modules()):
        raise InputError(f"the model of '{args.config}' has no DRS layer")
    plain = load(*args.plain, args.settings) if args.plain else None
    rows, found = picture_rows(args, model, plain)
    headings = ['image', *(['without DRS', 'with DRS'] * (len(rows[0]) // 2))]
    with written_whole(args.out) as temporary:
        contact_sheet(headings, rows, height=HEIGHT).save(temporary, format='PNG')
    print(layer_table(found))
    print(f'picture: {args.out}')


if __name__ == '__main__':
    main()
