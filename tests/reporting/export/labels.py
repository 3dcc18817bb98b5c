"""Labels that are hard to export, and images that have them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmdrs.pseudo_labels.palette import voc_palette
from mmdrs.reporting.export.labelled_images import LabelledImages

CLASSES = ('background', 'disc', 'bar', 'cross')


def drawn(*boxes: tuple[int, int, int, int, int], size: tuple[int, int] = (20, 24)) -> np.ndarray:
    """A label of boxes (class, top, bottom, left, right), later ones over earlier ones."""
    label = np.zeros(size, np.uint8)
    for index, top, bottom, left, right in boxes:
        label[top:bottom, left:right] = index
    return label


RING = ((1, 3, 17, 4, 20), (0, 6, 14, 7, 17))
LABELS = {
    'empty': drawn(),
    'full': drawn((2, 0, 20, 0, 24)),
    'blob': drawn((1, 5, 12, 3, 9)),
    'hole': drawn(*RING),
    'object in the hole': drawn(*RING, (3, 8, 12, 9, 15)),
    'hole in the object in the hole': drawn(*RING, (1, 8, 12, 9, 15), (0, 9, 11, 10, 14)),
    'hole of one pixel': drawn((1, 3, 17, 4, 20), (0, 9, 10, 9, 10)),
    'ignored in the hole': drawn(*RING, (255, 8, 12, 9, 15)),
    'touching': drawn((1, 3, 10, 3, 9), (2, 3, 10, 9, 15), (3, 10, 14, 5, 12)),
    'at the border': drawn((1, 0, 20, 0, 5), (255, 0, 3, 0, 24), (3, 18, 20, 20, 24)),
    'a frame': drawn((1, 0, 20, 0, 24), (0, 1, 19, 1, 23), (2, 5, 6, 0, 24)),
    'one pixel': drawn((1, 7, 8, 5, 6), (2, 0, 1, 23, 24)),
    'two pixels': drawn((1, 7, 9, 5, 6)),
    'corners meet': drawn((1, 2, 6, 2, 6), (1, 6, 9, 6, 9), (2, 9, 12, 9, 12)),
    'noise': np.random.default_rng(0).choice([0, 1, 2, 3, 255], (20, 24)).astype(np.uint8),
}


def labelled(
    labels: Mapping[str, np.ndarray], classes: tuple[str, ...] = CLASSES
) -> LabelledImages:
    """Images that are not there, with these labels."""
    paths = {name: Path('photos', f'{name}.jpg').absolute() for name in labels}
    return LabelledImages(classes, voc_palette(len(classes)), paths, labels.__getitem__)
