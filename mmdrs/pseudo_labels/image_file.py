"""Image and saliency files as arrays: the one reader of each, whatever their mode."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from mmdrs.errors import InputError
from mmdrs.reading import reading

#: PIL modes of 16 bits a pixel.
_DEEP_MODES = ('I;16', 'I;16L', 'I;16B', 'I;16N', 'I')
#: PIL modes of saliency maps, see :func:`read_saliency`.
SALIENCY_MODES = ('1', 'L', 'LA', 'P', 'PA', 'RGB', 'RGBA', *_DEEP_MODES)


def read_image(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read an image, uint8 RGB (H, W, 3).

    It is turned as its EXIF data say, as by MMSegmentation's ``LoadImageFromFile``. 16-bit images
    are scaled to 8 bits; an alpha channel is dropped. ``size`` is the (height, width) that it must
    have; None takes any.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is not a readable image, or of another size.
    """
    picture = _open(path, 'image')
    if picture.mode == 'F':
        raise InputError(f'{path} has floating-point pixels (mode F); convert it to 8 bits')
    return np.array(_checked(picture, path, size, 'what was predicted for it').convert('RGB'))


def read_saliency(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a saliency map, uint8 (H, W), 0..255.

    One-bit maps become 0 and 255, 16 bits are scaled to 8, colours and the colours of a palette
    become their luminance. ``size`` is the (height, width) of its image; None takes any.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is not a readable picture of :data:`SALIENCY_MODES`, or of another size.
    """
    picture = _open(path, 'saliency map')
    if picture.mode not in SALIENCY_MODES:
        raise InputError(
            f'{path} has mode {picture.mode}; saliency maps are grey (0..255), of one bit, 16 '
            'bits, a palette, or colours'
        )
    return np.array(_checked(picture, path, size, 'its image').convert('L'))


def _open(path: str | Path, what: str) -> Image.Image:
    """A decoded picture, upright, of at most 8 bits a channel."""
    with reading(path, what), Image.open(path) as file:
        picture = ImageOps.exif_transpose(file)
        picture.load()
    if picture.mode not in _DEEP_MODES:
        return picture
    levels = np.asarray(picture).astype(np.float32)
    return Image.fromarray(np.rint(np.clip(levels, 0, 65535) / 257).astype(np.uint8))


def _checked(
    picture: Image.Image, path: str | Path, size: tuple[int, int] | None, owner: str
) -> Image.Image:
    if size is not None and (picture.height, picture.width) != tuple(size):
        raise InputError(
            f'{path} is {picture.width} x {picture.height}, but {owner} is {size[1]} x {size[0]} '
            '(width x height)'
        )
    return picture
