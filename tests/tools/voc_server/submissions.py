"""A small upload for the evaluation server of VOC."""

import io

import numpy as np
from PIL import Image

from tests.tools.voc_archives import png_bytes

FOLDER = 'results/VOC2012/Segmentation/comp6_test_cls'
SIZES = {'2008_000001': (4, 6), '2008_000004': (5, 8), '2008_000006': (6, 4)}
"""Height and width of the images."""

FIRST, SECOND, THIRD = SIZES
Files = dict[str, bytes]


def label_of(name: str) -> np.ndarray:
    """A label with three classes, 20 among them."""
    label = np.zeros(SIZES[name], np.uint8)
    label[1:, 1:3] = 1
    label[-1, -1] = 20
    return label


def encoded(picture: Image.Image, kind: str = 'PNG') -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def good_files(folder: str = FOLDER) -> Files:
    """Members of an archive without a fault."""
    return {f'{folder}/{name}.png': png_bytes(label_of(name)) for name in SIZES}
