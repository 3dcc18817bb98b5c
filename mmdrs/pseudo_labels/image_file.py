"""Image files as the colours that a dense CRF compares."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mmdrs.errors import InputError


def read_image(path: str | Path, size: tuple[int, int]) -> np.ndarray:
    """Read an image, uint8 RGB (H, W, 3), turned as its EXIF data say.

    MMSegmentation's ``LoadImageFromFile`` turns it as well, so this fits what a network predicted.

    Args:
        path: The image file.
        size: Height and width of what was predicted for it.

    Raises:
        ValueError: If the image is of another size.
    """
    with Image.open(path) as picture:
        image = np.asarray(ImageOps.exif_transpose(picture).convert('RGB'))
    if image.shape[:2] != tuple(size):
        raise InputError(
            f'the image {path} is {image.shape[:2]} (height, width), but what was predicted for '
            f'it is {tuple(size)}'
        )
    return image
