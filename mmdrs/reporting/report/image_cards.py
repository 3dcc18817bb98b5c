"""The images of the report: a card each, with a picture for every stage."""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from mmdrs.engine import Progress
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import read_image, read_saliency
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.reporting.report.listed_images import LABEL_STAGES, MAP_STAGES, ImageList, ListedImage
from mmdrs.reporting.report.stage_statistics import Statistics
from mmdrs.visualization import heat_map, label_colours

#: The longer side of a picture in pixels; larger ones are made smaller.
SIDE = 208


class Card(NamedTuple):
    """An image.

    Attributes:
        classes: The classes of its labels, without labels those of its mask; counted from 1.
        scores: mIoU of its label and its prediction in percent, by their words.
        pictures: Of the image and of what the stages made of it: words, data URI, and whether
            each of its pixels is shown as a square.
        score: The score that ranks it; None without.
    """

    id: str
    classes: list[int]
    scores: dict[str, float]
    pictures: list[tuple[str, str, bool]]
    score: float | None


def make_cards(
    listed: ImageList, statistics: Statistics, places: Sequence[int], ranked_by: str | None
) -> list[Card]:
    """The cards of the images at some places of a list.

    ``ranked_by`` is the stage whose scores rank them; None without ground truth.
    """
    progress = Progress('pictures')
    cards = []
    for number, place in enumerate(places, 1):
        image = listed.images[place]
        scores = {
            LABEL_STAGES[stage]: found.scores[place]
            for stage, found in statistics.labels.items()
            if np.isfinite(found.scores[place])
        }
        score = scores.get(LABEL_STAGES.get(ranked_by or '', ''))
        # A foreign list may name classes that the data set does not have.
        classes = [index for index in _classes(image) if index < len(listed.classes)]
        cards.append(Card(image.id, classes, scores, _pictures(listed, image), score))
        progress.step(number, len(places))
    return cards


def _classes(image: ListedImage) -> list[int]:
    if image.classes is not None:
        return [index + 1 for index in image.classes]
    if image.mask is None:
        return []
    return [int(value) for value in np.unique(read_label(image.mask)) if 0 < value < IGNORE_LABEL]


def _pictures(listed: ImageList, image: ListedImage) -> list[tuple[str, str, bool]]:
    photo = read_image(image.image)
    pictures = [('image', photo_uri(photo), False)]
    for stage in listed.made_by(MAP_STAGES):
        maps = resize_array(read_maps(image.files[stage]).floats(), photo.shape[:2])
        pictures.append((MAP_STAGES[stage], photo_uri(heat_map(photo, maps)), False))
    if image.saliency is not None:
        pictures.append(('saliency', photo_uri(read_saliency(image.saliency)), False))
    labels = {LABEL_STAGES[name]: image.files[name] for name in listed.made_by(LABEL_STAGES)}
    if image.mask is not None:
        labels['ground truth'] = image.mask
    for words, path in labels.items():
        label = read_label(path)
        # Of a small label each pixel is shown; of a large one the browser smooths the edges.
        exact = max(label.shape) < SIDE / 2
        pictures.append((words, label_uri(label, listed.palette), exact))
    return pictures


def photo_uri(picture: np.ndarray) -> str:
    """A small JPEG of a picture, uint8, RGB (H, W, 3) or grey (H, W)."""
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return _uri(image, 'JPEG', quality=82)


def label_uri(label: np.ndarray, palette: Sequence[Sequence[int]]) -> str:
    """A small PNG of a label, uint8 (H, W), in unmixed colours of its classes; 255 is void."""
    image = Image.fromarray(label_colours(label, palette))
    image.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
    return _uri(image, 'PNG')


def _uri(image: Image.Image, kind: str, quality: int = 75) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, optimize=True, quality=quality)
    text = base64.b64encode(buffer.getvalue()).decode('ascii')
    return f'data:image/{kind.lower()};base64,{text}'
