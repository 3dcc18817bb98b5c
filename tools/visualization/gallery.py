#!/usr/bin/env python
"""What a finished pipeline makes of photographs that are not in its data set: one picture.

    python tools/visualization/gallery.py WORK_DIR IMAGE... --out gallery.png

A row for each image: itself, its map by the plain classifier, by the one with DRS and by
refinement learning, and the prediction of the segmentation network. A column whose training has
not finished is left out. skimage: with astronaut, camera, chelsea (a cat), coffee or rocket is a
photograph of scikit-image; skimage:chelsea:grey is one without colours, :close its middle, :small
a small one on grey, :turned one upside down. The configs that WORK_DIR stores are Python and run:
use one that you trust.

The maps are those of the classes of an image, made as tools/pipeline.py makes them; where there
are several, the highest value is shown, and each name is written at the peak of its map. The
classes are given by --labels, one set an image, or are those to which the classifier gives more
than 0.5, at least the best one:

    --labels 'cat;cat,dog'    # an empty set is left to the classifier
    --labels list.txt         # lines `id cat dog`, as a list of training images; or a .csv
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.device import get_device
from mmseg.models.segmentors import BaseSegmentor
from photographs import PREFIX, Photograph, load_photographs
from PIL import Image

from mmdrs.apis import (
    Segmentor,
    inference_class_maps,
    inference_maps,
    init_model,
    init_network,
    load_config,
)
from mmdrs.apis.prediction.trained_run import trained_stages
from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.label_lists import read_label_list, unknown_class
from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.models.utils.cam import resize_array
from mmdrs.pipeline.overview import MAP_STAGES
from mmdrs.pipeline.stages import ALL_STAGES
from mmdrs.visualization import CORNER, contact_sheet, heat_map, label_overlay, legend, written_on
from mmdrs.visualization.contact_sheet import GAP

SEGMENTATION = 'segmentation'
_TRAININGS = {stage.name: stage.weights for stage in ALL_STAGES}
#: Headings by training, in the order of the columns.
COLUMNS = {
    **{_TRAININGS[maps]: heading for maps, heading in MAP_STAGES},
    SEGMENTATION: 'prediction',
}
#: Whose scores are the labels of an image without any: the first that has finished.
CLASSIFIERS = ('drs_classifier', 'plain_classifier')
WIDEST = 1.6  # widest picture, in heights of its row; a panorama is lower than its row
NARROWEST = 96  # pixels, for the names

#: Suffixes of the picture.
FORMATS = ('.png', '.jpg', '.jpeg')

Networks = dict[str, BaseSegmentor | Segmentor]


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('work_dir', type=Path, help='work directory of tools/pipeline.py')
    parser.add_argument('images', nargs='+', metavar='IMAGE', help=f'file, or {PREFIX}NAME')
    parser.add_argument(
        '--out', type=Path, default=Path('gallery.png'), help='PNG or JPEG to write'
    )
    parser.add_argument('--labels', help="classes of the images: 'cat;cat,dog', or a list file")
    parser.add_argument('--height', type=int, default=192, help='of a row, in pixels')
    args = parser.parse_args(argv)
    if not 32 <= args.height <= 2048:
        parser.error('--height: a row has 32 to 2048 pixels')
    if args.out.suffix.lower() not in FORMATS:
        parser.error(f'--out {args.out}: the picture ends in one of {", ".join(FORMATS)}')
    if args.out.resolve() in [Path(name).resolve() for name in args.images]:
        parser.error(f'--out {args.out}: is one of the images')
    return args


def finished_networks(work_dir: Path) -> Networks:
    """The trained networks of a work directory, by column; says which columns are left out.

    The segmentation network is the newest, as in ``mmdrs predict``.

    Raises:
        InputError: If it is no work directory of a pipeline, or no network has finished.
    """
    finished, reasons = trained_stages(work_dir)
    networks: Networks = {}
    for stage, heading in COLUMNS.items():
        if stage not in finished:
            print(f'no column {heading!r}: {stage}: {reasons.get(stage, "no such stage")}')
        elif stage == SEGMENTATION:
            networks[stage] = init_model(work_dir)
        else:
            found = finished[stage]
            cfg = load_config(found.config)
            networks[stage] = init_network(cfg, str(found.checkpoint), get_device())
    if not networks:
        raise InputError(f'{work_dir}: no network has finished that the picture could show')
    return networks


def image_labels(
    given: str | None, photographs: Sequence[Photograph], networks: Networks
) -> list[list[int]]:
    """The foreground classes of each image, counted from 0: as given, else the classifier's.

    Raises:
        InputError: If ``given`` does not fit the images or the classes, or is needed.
    """
    if set(networks) == {SEGMENTATION}:
        return [[] for _ in photographs]  # it has no use for them
    names = [photograph.name for photograph in photographs]
    labels = given_labels(given, names, class_names(next(iter(networks.values()))))
    return [
        found or classified(photograph, networks)
        for found, photograph in zip(labels, photographs, strict=True)
    ]


def given_labels(
    given: str | None, images: Sequence[str], classes: Sequence[str]
) -> list[list[int]]:
    """The classes that ``--labels`` gives to each image, none where they are left open."""
    if given is None:
        return [[] for _ in images]
    if Path(given).suffix.lower() in ('.txt', '.csv'):
        listed = {item.id: list(item.labels) for item in read_label_list(given, classes)}
        return [_listed(image, listed, given) for image in images]
    sets = [[name.strip() for name in part.split(',')] for part in given.split(';')]
    if len(sets) != len(images):
        raise InputError(
            f'--labels {given!r}: {len(sets)} sets of classes for {len(images)} images; write one '
            "for each, separated by ';', or give a list file (.txt, .csv)"
        )
    for name in (name for names in sets for name in names):
        if name and name not in classes:
            raise InputError(f'--labels: {unknown_class(name, classes)}')
    return [sorted({classes.index(name) for name in names if name}) for names in sets]


def _listed(image: str, listed: dict[str, list[int]], file: str) -> list[int]:
    """The labels of an image in a list, by its path or the end of it, with or without suffix."""
    path = Path(image.removeprefix(PREFIX))
    for parts in (path.parts[start:] for start in range(len(path.parts))):
        for name in (Path(*parts), Path(*parts).with_suffix('')):
            if name.as_posix() in listed:
                return listed[name.as_posix()]
    raise InputError(f'{file}: does not list {image}; add a line: {path.stem} CLASS...')


def classified(photograph: Photograph, networks: Networks) -> list[int]:
    """The classes that the classifier sees in an image, which are printed."""
    stage = next((stage for stage in CLASSIFIERS if stage in networks), None)
    if stage is None:
        raise InputError(
            f'{photograph.name}: no classifier has finished that could say its classes; give them '
            'by --labels'
        )
    model = networks[stage]
    class_maps = inference_class_maps(model, photograph.path)[None].float()
    scores = model.decode_head.image_scores(class_maps)[0].sigmoid()
    ranked = scores.argsort(descending=True).tolist()
    chosen = [index for index in ranked if scores[index] > 0.5] or ranked[:1]
    named = ', '.join(f'{class_names(model)[index]} ({scores[index]:.2f})' for index in chosen)
    print(f'{photograph.name}: {named}, as {stage} says')
    return sorted(chosen)


def class_names(model: BaseSegmentor | Segmentor) -> list[str]:
    """Names of the foreground classes."""
    if isinstance(model, Segmentor):
        return list(model.classes[1:])
    return list(model.dataset_meta['classes'][1:])


def fitted(pixels: np.ndarray, height: int) -> np.ndarray:
    """A photograph at its size in a row of a height: as high, unless it is too wide."""
    factor = min(height / pixels.shape[0], WIDEST * height / pixels.shape[1])
    size = [max(1, round(side * factor)) for side in pixels.shape[1::-1]]
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def framed(picture: np.ndarray, height: int) -> tuple[np.ndarray, tuple[int, int]]:
    """A picture on white of the height of the row, and the place (left, top) that it has there."""
    width = max(picture.shape[1], NARROWEST)
    left, top = (width - picture.shape[1]) // 2, (height - picture.shape[0]) // 2
    canvas = np.full((height, width, 3), 255, np.uint8)
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas, (left, top)


def map_cell(
    image: np.ndarray, maps: np.ndarray, labels: Sequence[int], names: Sequence[str], height: int
) -> np.ndarray:
    """The maps (K, h, w) of the classes of an image (H, W, 3) over it, with their names."""
    shown = resize_array(maps[list(labels)], image.shape[:2])
    canvas, (left, top) = framed(heat_map(image, shown), height)
    texts = []
    for index, heat in zip(labels, shown, strict=True):
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        text = names[index] if heat.max() > 0 else f'{names[index]}: none'
        x, y = CORNER if len(labels) == 1 else (x, y)
        texts.append((text, (left + x, top + y)))
    return written_on(canvas, texts)


def map_column(
    model: BaseSegmentor,
    photographs: Sequence[Photograph],
    labels: Sequence[Sequence[int]],
    height: int,
) -> list[np.ndarray]:
    """The pictures of the maps that a network makes."""
    return [
        map_cell(
            fitted(photograph.pixels, height),
            inference_maps(model, photograph.path, chosen),
            *(chosen, class_names(model), height),
        )
        for photograph, chosen in zip(photographs, labels, strict=True)
    ]


def prediction_column(
    model: Segmentor, photographs: Sequence[Photograph], height: int
) -> tuple[list[np.ndarray], dict[str, Sequence[int]]]:
    """The pictures of the predictions, and the colours of the classes in them, by name."""
    cells, found = [], set()
    for photograph in photographs:
        prediction = model.predict(photograph.pixels)
        found.update(prediction.found)
        image = fitted(photograph.pixels, height)
        small = Image.fromarray(prediction.label).resize(
            image.shape[1::-1], Image.Resampling.NEAREST
        )
        cells.append(framed(label_overlay(image, np.asarray(small), model.palette), height)[0])
    colours = {model.classes[index]: model.palette[index] for index in sorted(found - {0})}
    return cells, colours or {'background only': (255, 255, 255)}


def picture(
    photographs: Sequence[Photograph],
    networks: Networks,
    labels: Sequence[Sequence[int]],
    height: int,
) -> Image.Image:
    """The table of the pictures, with the legend of the predictions below it."""
    columns = {'image': [framed(fitted(p.pixels, height), height)[0] for p in photographs]}
    colours = {}
    for stage, model in networks.items():
        if stage == SEGMENTATION:
            columns[COLUMNS[stage]], colours = prediction_column(model, photographs, height)
        else:
            columns[COLUMNS[stage]] = map_column(model, photographs, labels, height)
    table = contact_sheet(list(columns), list(zip(*columns.values(), strict=True)), height)
    if not colours:
        return table
    key = legend(colours, (table.width - GAP) // len(columns) - GAP)
    whole = Image.new('RGB', (table.width, table.height + key.height), 'white')
    whole.paste(table, (0, 0))
    whole.paste(key, (table.width - GAP - key.width, table.height))
    return whole


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    with tempfile.TemporaryDirectory(prefix='mmdrs_gallery_') as folder:
        photographs = load_photographs(args.images, Path(folder))
        networks = finished_networks(args.work_dir)
        labels = image_labels(args.labels, photographs, networks)
        whole = picture(photographs, networks, labels, args.height)
    with written_whole(args.out) as temporary:
        whole.save(temporary, quality=92)
    print(f'picture: {args.out}')


if __name__ == '__main__':
    main()
