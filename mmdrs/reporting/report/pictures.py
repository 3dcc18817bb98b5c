"""Pictures small enough to stand in the page, as data URIs."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mmdrs.pseudo_labels.label_file import VOID_COLOUR

#: The longer side of a picture in pixels; larger ones are made smaller.
SIDE = 208


def photo_uri(picture: np.ndarray) -> str:
    """A JPEG of an RGB picture, uint8 (H, W, 3)."""
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return _uri(image, 'JPEG', quality=82, optimize=True)


def label_uri(label: np.ndarray, palette: Sequence[Sequence[int]]) -> str:
    """A PNG of a label, uint8 (H, W), in the colours of its classes; 255 in the void colour.

    No value is mixed with another: a pixel is left out or kept.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = np.asarray(palette, np.uint8)
    colours[255] = VOID_COLOUR
    image = Image.fromarray(np.ascontiguousarray(label, np.uint8))
    image.thumbnail((SIDE, SIDE), Image.Resampling.NEAREST)
    image = image.convert('P')
    image.putpalette(colours.ravel().tolist())
    return _uri(image, 'PNG', optimize=True)


def _uri(image: Image.Image, kind: str, **options: object) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    text = base64.b64encode(buffer.getvalue()).decode('ascii')
    return f'data:image/{kind.lower()};base64,{text}'
