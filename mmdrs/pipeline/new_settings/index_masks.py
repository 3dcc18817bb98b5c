"""Masks of class indices, which scores need, from masks of colours or of 0 and 255."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmdrs.datasets.label_formats.colour_table import VOID, Colour
from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.pipeline.new_settings.survey import MapFolder
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import open_picture
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.palette import voc_palette


def write_index_masks(
    root: Path,
    masks: MapFolder,
    out: Path,
    classes: Sequence[str],
    table: Mapping[Colour, str] | None,
) -> MapFolder:
    """Write masks as 8-bit PNG: 0 background, class + 1, 255 ignored.

    Args:
        root: The folder of the data.
        masks: Masks of colours, or of 0 and 255.
        out: The folder to write into.
        classes: Foreground classes.
        table: Names of the classes by colour, '' is the background; None for 0 and 255.

    Returns:
        The folder of the written masks; its path is absolute.

    Raises:
        InputError: If a mask cannot be read, or has a colour that is not in the table.
    """
    values = {colour: classes.index(n) + 1 if n else 0 for colour, n in (table or {}).items()}
    values = {(0, 0, 0): 0, VOID: IGNORE_LABEL, **values} if table else {}
    palette, progress = voc_palette(len(classes) + 1), Progress('masks')
    for number, name in enumerate(sorted(masks.ids), 1):
        path = root / masks.folder / f'{name}.png'
        with open_picture(path, 'mask') as picture:
            pixels = np.asarray(picture.convert('RGB' if table else 'L'))
        label = indices(pixels, values, path) if table else (pixels == 255).astype(np.uint8)
        write_label(out / f'{name}.png', label, palette)
        progress.step(number, len(masks.ids))
    return replace(masks, folder=str(out.absolute()), kind='indices', fault='')


def indices(pixels: np.ndarray, values: Mapping[Colour, int], path: Path) -> np.ndarray:
    """The values of colours.

    Args:
        pixels: uint8 (H, W, 3), red, green, blue.
        values: Value of each colour, 0..255.
        path: The mask, for messages.

    Returns:
        uint8 (H, W).

    Raises:
        InputError: For a colour that has no value.
    """
    factors = np.array([1 << 16, 1 << 8, 1], np.uint32)
    codes, places = np.unique(pixels.astype(np.uint32) @ factors, return_inverse=True)
    colours = [(code >> 16, code >> 8 & 255, code & 255) for code in codes.tolist()]
    unknown = [colour for colour in colours if colour not in values]
    if unknown:
        raise InputError(f'{path}: no class has the colour {unknown[0]} (red, green, blue)')
    found = np.array([values[colour] for colour in colours], np.uint8)
    return found[places].reshape(pixels.shape[:2])
