"""LabelMe's JSON of polygons, one file an image.

LabelMe has no holes. It paints the polygons in the order of the file, so what is in a hole comes
after what is around it: as a polygon of its class, ``_background_`` or ``__ignore__``, the names
that LabelMe's own converters know. Painted with their edges, the polygons give the label back.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from mmdrs.engine import Progress
from mmdrs.files import write_json
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.output_paths import output_path
from mmdrs.reporting.export.labelled_images import LabelledImage, LabelledImages

BACKGROUND, IGNORED = '_background_', '__ignore__'
#: Version of LabelMe whose format this is.
VERSION = '5.5.0'


class Region(NamedTuple):
    """Connected pixels of one class: the outer edge, (n, 2) of x and y, and what it encloses."""

    class_index: int
    points: np.ndarray
    enclosed: int


def regions(label: np.ndarray, background: int | None = 0) -> list[Region]:
    """The regions of a label (H, W), what encloses others first.

    The class ``background`` is there only where something is around it. Neighbours are above,
    below, left and right: regions that meet at corners only would cross each other.
    """
    found = [
        region
        for index in np.unique(label).tolist()
        for region in _regions_of(label, index, enclosed_only=index == background)
    ]
    return sorted(found, key=lambda region: -region.enclosed)


def _regions_of(label: np.ndarray, index: int, enclosed_only: bool) -> Iterator[Region]:
    mask = (label == index).astype(np.uint8)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    height, width = label.shape
    for number in range(1, count):
        left, top, across, down = boxes[number, :4].tolist()
        inside = left > 0 and top > 0 and left + across < width and top + down < height
        if enclosed_only and not inside:
            continue
        part = (parts[top : top + down, left : left + across] == number).astype(np.uint8)
        outlines, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        (points,) = outlines
        filled = cv2.fillPoly(part, [points], 1)
        yield Region(index, points.reshape(-1, 2) + (left, top), int(np.count_nonzero(filled)))


def write_polygons(folder: Path, images: LabelledImages) -> int:
    """Write ``<folder>/<id>.json`` of each image; returns the number of polygons."""
    background = 0 if images.classes[0] == 'background' else None
    names = {**dict(enumerate(images.classes)), IGNORE_LABEL: IGNORED}
    if background is not None:
        names[background] = BACKGROUND
    progress, polygons = Progress('export'), 0
    for number, image in enumerate(images, 1):
        path = output_path(folder, image.id, '.json')
        shapes = [_shape(region, names) for region in regions(image.label, background)]
        write_json(path, _content(image, path, shapes))
        polygons += len(shapes)
        progress.step(number, len(images), image.path.name)
    return polygons


def _shape(region: Region, names: dict[int, str]) -> dict[str, Any]:
    points = region.points.tolist()
    points += points[-1:] * (3 - len(points))  # one or two pixels: LabelMe asks for three points
    return dict(
        label=names[region.class_index],
        points=points,
        group_id=None,
        description='',
        shape_type='polygon',
        flags={},
    )


def _content(image: LabelledImage, path: Path, shapes: list[dict[str, Any]]) -> dict[str, Any]:
    height, width = image.label.shape
    image_path = os.path.relpath(os.path.abspath(image.path), os.path.abspath(path.parent))
    return dict(
        version=VERSION,
        flags={},
        shapes=shapes,
        imagePath=Path(image_path).as_posix(),
        imageData=None,
        imageHeight=height,
        imageWidth=width,
    )
