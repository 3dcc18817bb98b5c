"""Label PNGs: mode P with the palette of the classes, 255 shown as VOC's void colour."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import open_picture

#: PIL modes of labels: 8 bits, the pixel value is the class.
LABEL_MODES = ('P', 'L')
VOID_COLOUR = (224, 224, 192)
#: A fifth of the time of zlib's default 6, for files a third larger: 8 kB an image of VOC.
_COMPRESSION = 3
#: Keyword of the PNG's text.
_KEY = 'mmdrs'


def write_label(
    path: str | Path,
    label: np.ndarray,
    palette: Sequence[Sequence[int]],
    record: dict[str, Any] | None = None,
) -> None:
    """Write a label (H, W), 0 background, 255 ignored; a file that exists is complete.

    ``palette`` holds red, green and blue of each class, or of all 256 values. ``record``, what
    made the label (JSON values only), is stored as a text of the PNG. Only a file with a record is
    overwritten later.

    Raises:
        InputError: If a value does not fit into 8 bits.
    """
    if label.size and not 0 <= label.min() <= label.max() <= 255:
        raise InputError(f'{path}: a label of 8 bits cannot hold class {label.max()}')
    colours = np.zeros((256, 3), np.uint8)
    colours[IGNORE_LABEL] = VOID_COLOUR
    colours[: len(palette)] = np.asarray(palette, np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(label, np.uint8))
    picture.putpalette(colours.ravel().tolist())
    info = PngInfo()
    if record is not None:
        info.add_text(*record_text(record))
    with written_whole(path) as temporary:
        picture.save(temporary, format='PNG', pnginfo=info, compress_level=_COMPRESSION)


def record_text(record: Mapping[str, Any]) -> tuple[str, str]:
    """Keyword and text of a record in a PNG, JSON values only."""
    return _KEY, json.dumps(record, sort_keys=True)


def read_label_record(path: str | Path) -> dict[str, Any] | None:
    """The record of a label file; None where there is no whole PNG, or it holds none."""
    try:
        with open_picture(path, 'label') as picture:
            record = json.loads(
                cast(PngImageFile, picture).text[_KEY]
            )  # decodes it: a damaged picture has none
    except InputError:
        return None
    return record if isinstance(record, dict) else None


def is_foreign_label(path: str | Path) -> bool:
    """Whether a file is a whole picture that has no record, so not written by this package."""
    try:
        with open_picture(path, 'label') as picture:
            return _KEY not in picture.info
    except InputError:
        return False


def read_label(path: str | Path) -> np.ndarray:
    """Read a label PNG as stored, uint8 (H, W).

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is damaged, or has colour channels instead of class indices.
    """
    with open_picture(path, 'label') as picture:
        if picture.mode not in LABEL_MODES:
            raise InputError(
                f'{path} is a {picture.mode} picture; labels are indexed (mode P or L)'
            )
        spread = isinstance(picture, PngImageFile) and picture.tile[0][3] != 'L'
        if picture.mode == 'L' and spread:
            # Pillow spreads the levels over 0..255, so that other classes would be read.
            raise InputError(f'{path} is grey with fewer than 8 bits; write 8 bits or a palette')
        return np.array(picture)


def read_palette(path: str | Path) -> list[list[int]] | None:
    """Red, green and blue of each value of a label PNG; None for one of grey levels.

    Raises:
        MissingFileError, InputError: As :func:`read_label`.
    """
    with open_picture(path, 'label') as picture:
        colours = picture.getpalette()
    return None if colours is None else np.reshape(colours, (-1, 3)).tolist()
