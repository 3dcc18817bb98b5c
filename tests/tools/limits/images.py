"""Two images of 3 x 4 pixels, small enough to be worked out by hand; cat is 1, dog is 2."""

from pathlib import Path

import numpy as np

from limits.labels import ScoredImage
from mmdrs.pseudo_labels.rules import LabelRules

RULES = LabelRules()  # salient above 50, map threshold 0.2
CLASSES = ('background', 'cat', 'dog')


def label(*rows: str) -> np.ndarray:
    """A label from its rows, such as '1102'; x is 255."""
    return np.array([[255 if c == 'x' else int(c) for c in row] for row in rows], np.uint8)


def cat_and_dog() -> ScoredImage:
    """An image of two classes.

    By the rules it is labelled 1010 / 1112 / 002x. Three of its 11 scored pixels are wrong: one
    of the cat that its map misses, one of background that is salient and on the map, and one of
    the dog where the cat's map is higher.
    """
    cat = [[0.8, 0.1, 0.3, 0.0], [0.8, 0.8, 0.6, 0.0], [0.0, 0.0, 0.0, 0.0]]
    dog = [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.4, 0.9], [0.0, 0.5, 0.9, 0.9]]
    saliency = [[255, 255, 60, 0], [255, 255, 255, 255], [0, 0, 255, 255]]
    return ScoredImage(
        np.array([cat, dog], np.float32),
        (0, 1),
        label('1100', '1122', '002x'),
        np.array(saliency, np.uint8),
        Path('no image is read'),
    )


def cat_alone() -> ScoredImage:
    """An image of one class; the rules label it 1000 / 1100 / 000x."""
    cat = [[0.8, 0.1, 0.5, 0.5], [0.8, 0.8, 0.1, 0.1], [0.0, 0.0, 0.0, 0.0]]
    saliency = [[255, 255, 0, 0], [255, 255, 0, 0], [0, 0, 0, 0]]
    return ScoredImage(
        np.array([cat], np.float32),
        (0,),
        label('1100', '1000', '000x'),
        np.array(saliency, np.uint8),
        Path('no image is read'),
    )
