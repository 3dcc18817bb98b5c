"""Image and saliency files as arrays: the one reader of each, whatever their mode."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps
from PIL.TiffImagePlugin import TiffImageFile

from mmdrs.errors import InputError
from mmdrs.reading import reading

#: PIL modes of 16 bits a pixel.
_DEEP_MODES = ('I;16', 'I;16L', 'I;16B', 'I;16N', 'I')
#: PIL modes of saliency maps, see :func:`read_saliency`.
SALIENCY_MODES = ('1', 'L', 'LA', 'P', 'PA', 'RGB', 'RGBA', *_DEEP_MODES)
_ROTATED = (5, 6, 7, 8)  # EXIF orientations that swap height and width when the image is loaded


@contextmanager
def open_picture(path: str | Path, what: str) -> Iterator[Image.Image]:
    """Open a picture with Pillow; what goes wrong in the block is an error of the file.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no file, or damaged, or says to have more than 179 million pixels,
            Pillow's limit.
    """
    with reading(path, what), warnings.catch_warnings():
        warnings.simplefilter('ignore', Image.DecompressionBombWarning)
        with Image.open(path) as picture:
            yield picture


def read_header(path: str | Path) -> tuple[int, int, str]:
    """Read (height, width, PIL mode) of an image as it is loaded, so with EXIF rotation applied.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If the file is not a readable image.
    """
    with open_picture(path, 'image') as picture:
        width, height = picture.size
        if isinstance(picture, TiffImageFile):  # newer Pillow turns the size already
            width, height = picture.tag_v2[256], picture.tag_v2[257]
        # PNG's own getexif decodes the whole image to look for EXIF data after the pixels.
        if Image.Image.getexif(picture).get(ExifTags.Base.Orientation) in _ROTATED:
            width, height = height, width
        return height, width, picture.mode


def read_image(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read an image, uint8 RGB (H, W, 3): the pixels of MMSegmentation's ``LoadImageFromFile``.

    So OpenCV turns it as its EXIF data say, scales 16 bits to 8, and drops an alpha channel.
    ``size`` is the (height, width) that it must have; None takes any.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is not a readable image, or of another size.
    """
    with open_picture(path, 'image') as picture:
        picture.load()  # OpenCV fills up an image that is cut off
        pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
        if pixels is None or pixels.dtype != np.uint8 or pixels.ndim != 3:
            raise InputError(
                f'{path} cannot be read by OpenCV (mode {picture.mode}); convert it to 8-bit PNG '
                'or JPEG'
            )
    _check_size(pixels, path, size, 'what was predicted for it')
    return np.ascontiguousarray(pixels[..., ::-1])


def decoding_fault(path: str | Path) -> str | None:
    """What is wrong with an image; None if it can be decoded to its end.

    A JPEG is decoded at an eighth of its size: that reads all of its data in a third of the time.
    """
    try:
        if not _is_whole_jpeg(path):
            read_image(path)
    except InputError as error:
        return str(error)
    return None


def _is_whole_jpeg(path: str | Path) -> bool:
    """Whether it is a JPEG of a mode that every decoder knows, which can be read to its end."""
    with open_picture(path, 'image') as picture:
        if picture.format != 'JPEG' or picture.mode not in ('RGB', 'L'):
            return False
        picture.draft(picture.mode, (picture.width // 8, picture.height // 8))
        picture.load()
    return True


def read_saliency(path: str | Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """Read a saliency map, uint8 (H, W), 0..255.

    One-bit maps become 0 and 255, 16 bits are scaled to 8, colours and the colours of a palette
    become their luminance. ``size`` is the (height, width) of its image; None takes any.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is not a readable picture of grey values, 16 bits, colours or a palette,
            or of another size.
    """
    values = read_raw_saliency(path)
    _check_size(values, path, size, 'its image')
    if values.dtype == np.uint8:
        return values
    return np.rint(values.astype(np.float32) / 257).astype(np.uint8)


def read_raw_saliency(path: str | Path) -> np.ndarray:
    """A saliency map as :func:`read_saliency`, but one of 16 bits as uint16, 0..65535."""
    with open_picture(path, 'saliency map') as file:
        picture = ImageOps.exif_transpose(file)
        if picture.mode not in SALIENCY_MODES:
            raise InputError(
                f'{path} has mode {picture.mode}; saliency maps are grey (0..255), of one bit, 16 '
                'bits, a palette, or colours'
            )
        if picture.mode not in _DEEP_MODES:
            return np.array(picture.convert('L'))
        values = np.asarray(picture)
        if values.size and not 0 <= values.min() <= values.max() <= 65535:
            raise InputError(f'{path} has values outside 0..65535; saliency maps are 8 or 16 bits')
        return values.astype(np.uint16)


def _check_size(
    pixels: np.ndarray, path: str | Path, size: tuple[int, int] | None, owner: str
) -> None:
    height, width = pixels.shape[:2]
    if size is not None and (height, width) != tuple(size):
        raise InputError(
            f'{path} is {width} x {height}, but {owner} is {size[1]} x {size[0]} (width x height)'
        )
