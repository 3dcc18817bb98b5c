"""Label PNGs: mode P with the palette of the classes, 255 shown as VOC's void colour."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.reading import reading

VOID_COLOUR = (224, 224, 192)
#: A fifth of the time of zlib's default 6, for files a third larger: 8 kB an image of VOC.
_COMPRESSION = 3
#: Keyword of the PNG's text.
_KEY = 'mmdrs'


def write_label(
    path: str | Path,
    label: np.ndarray,
    palette: Sequence[Sequence[int]],
    record: dict | None = None,
) -> None:
    """Write a label (H, W), uint8, 0 background, 255 ignored; a file that exists is complete.

    ``palette`` holds red, green and blue of each class. ``record``, what made the label (JSON
    values only), is stored as a text of the PNG.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(palette)] = np.asarray(palette, np.uint8)
    colours[IGNORE_LABEL] = VOID_COLOUR
    picture = Image.fromarray(np.ascontiguousarray(label, np.uint8))
    picture.putpalette(colours.ravel().tolist())
    info = PngInfo()
    if record is not None:
        info.add_text(_KEY, json.dumps(record, sort_keys=True))
    with written_whole(path) as temporary:
        picture.save(temporary, format='PNG', pnginfo=info, compress_level=_COMPRESSION)


def read_label_record(path: str | Path) -> dict | None:
    """The record of a label file; None where there is no whole PNG, or it holds none."""
    try:
        with reading(path, 'label'), Image.open(path) as picture:
            text = getattr(picture, 'text', {}).get(_KEY)
            record = None if text is None else json.loads(text)
    except InputError:
        return None
    return record if isinstance(record, dict) else None


def read_label(path: str | Path) -> np.ndarray:
    """Read a label PNG as stored, uint8 (H, W).

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is damaged, or has colour channels instead of class indices.
    """
    with reading(path, 'label'), Image.open(path) as picture:
        mode, label = picture.mode, np.asarray(picture)
    if mode not in ('P', 'L'):
        raise InputError(f'{path} is a {mode} picture; labels are indexed (mode P or L)')
    return label
