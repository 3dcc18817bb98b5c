"""Photographs by path, or of scikit-image by name, as files that any network can take."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from PIL import Image

from mmdrs.errors import InputError, did_you_mean
from mmdrs.pseudo_labels.image_file import read_image

#: In front of the name of a photograph of scikit-image.
PREFIX = 'skimage:'
#: Those that come with scikit-image, without a download: CC0, or in the public domain (astronaut:
#: NASA; rocket: SpaceX).
SHIPPED = ('astronaut', 'camera', 'chelsea', 'coffee', 'rocket')
#: Maps of the size of a larger one would need gigabytes.
MOST_PIXELS = 1 << 20


def grey(pixels: np.ndarray) -> np.ndarray:
    """A photograph (H, W, 3) without colours."""
    return np.asarray(Image.fromarray(pixels).convert('L').convert('RGB'))


def turned(pixels: np.ndarray) -> np.ndarray:
    """A photograph upside down."""
    return np.ascontiguousarray(pixels[::-1, ::-1])


def close(pixels: np.ndarray) -> np.ndarray:
    """The middle of a photograph, half as high and half as wide."""
    height, width = pixels.shape[:2]
    middle = slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)
    return np.ascontiguousarray(pixels[middle])


def small(pixels: np.ndarray) -> np.ndarray:
    """A photograph at a quarter of its sides, in the middle of a grey canvas of its first size."""
    height, width = pixels.shape[:2]
    shrunk = Image.fromarray(pixels).resize(
        (max(1, width // 4), max(1, height // 4)), Image.Resampling.LANCZOS
    )
    canvas = Image.new('RGB', (width, height), (128, 128, 128))
    canvas.paste(shrunk, ((width - shrunk.width) // 2, (height - shrunk.height) // 2))
    return np.asarray(canvas)


#: What can be done to a photograph, by the name after its own: ``skimage:chelsea:grey``.
VARIANTS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    change.__name__: change for change in (close, grey, small, turned)
}


@dataclass(frozen=True)
class Photograph:
    """A photograph.

    Attributes:
        name: As it was given.
        path: File of these pixels.
        pixels: RGB uint8 (H, W, 3), turned as its EXIF data say.
    """

    name: str
    path: Path
    pixels: np.ndarray


def load_photographs(names: Sequence[str], folder: Path) -> list[Photograph]:
    """Read photographs; one with more than a million pixels is made smaller, and that is printed.

    Args:
        names: Paths, or ``skimage:NAME`` with a name of :data:`SHIPPED`, or
            ``skimage:NAME:VARIANT`` with a name of :data:`VARIANTS` as well.
        folder: Where files are written of what is not on the disk as it is used.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If a file is no readable image, or scikit-image is needed and not there.
    """
    photographs = []
    for number, name in enumerate(names):
        shipped = name.startswith(PREFIX)
        given = _shipped(name.removeprefix(PREFIX)) if shipped else read_image(name)
        pixels, path = _limited(given), Path(name)
        if pixels is not given:
            sizes = [f'{image.shape[1]} x {image.shape[0]}' for image in (given, pixels)]
            print(f'{name}: {sizes[0]} pixels, made smaller: {sizes[1]}')
        if shipped or pixels is not given:
            path = folder / f'{number}.png'
            Image.fromarray(pixels).save(path)
        photographs.append(Photograph(name, path, pixels))
    return photographs


def _shipped(given: str) -> np.ndarray:
    name, _, variant = given.partition(':')
    if name not in SHIPPED:
        raise InputError(
            f'{PREFIX}{name}: no such photograph{did_you_mean(name, SHIPPED)}; there are '
            f'{", ".join(PREFIX + known for known in SHIPPED)}'
        )
    if variant and variant not in VARIANTS:
        raise InputError(
            f'{PREFIX}{given}: no such variant{did_you_mean(variant, VARIANTS)}; there are '
            f'{", ".join(VARIANTS)}'
        )
    pixels = getattr(_skimage_data(), name)()
    if pixels.ndim == 2:  # a grey photograph
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    pixels = np.ascontiguousarray(pixels)
    return VARIANTS[variant](pixels) if variant else pixels


def _skimage_data() -> ModuleType:
    try:
        import skimage.data
    except ImportError as error:
        raise InputError(f'{PREFIX}... needs scikit-image: pip install scikit-image') from error
    return skimage.data


def _limited(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    factor = (MOST_PIXELS / (height * width)) ** 0.5
    if factor >= 1:
        return pixels
    size = max(1, int(width * factor)), max(1, int(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
