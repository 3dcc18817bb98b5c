"""Masks as labels: of class indices, of colours by a table, or of 0 and 255."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmdrs.datasets.label_formats.colour_table import VOID, Colour, read_colour_table
from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    NamedLabels,
    ReadOptions,
    Source,
    chosen_names,
    from_names,
)
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import open_picture, read_header
from mmdrs.pseudo_labels.label_file import read_label

_INDEXED = ('P', 'L', '1')
#: CVAT's table of colours.
_TABLE = 'labelmap.txt'


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    names = [name for name in source.ending('.png') if source.path.is_dir()]
    if not names or len(names) < len(source.images):
        return ''
    try:
        modes = {read_header(source.full(name))[2] for name in names[:5]}
    except InputError:  # damaged
        return ''
    if not modes <= {*_INDEXED}:
        return ''
    return f'{len(names)} PNG pictures of indices or grey levels'


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the classes that have a pixel in each mask.

    With a table of colours (``--colours``, or ``labelmap.txt`` in the folder) masks are read by
    their colours. Without, masks that hold only 0 and 255 are of one class, and others hold class
    indices: 0 background, 255 ignored. The id is the name of the mask.

    Raises:
        InputError: If a mask cannot be read, or holds a colour or value of no class.
    """
    names = source.ending('.png')
    if not names:
        raise InputError(f'{source.path}: holds no PNG mask')
    colours = options.colours
    if colours is None and (source.root / _TABLE).is_file():
        colours = source.root / _TABLE
    if colours:
        return _by_colours(source, names, read_colour_table(colours), colours, options)
    values = [mask_values(source.full(name)) for name in names]
    seen = set().union(*values)
    if IGNORE_LABEL in seen and seen <= {0, IGNORE_LABEL}:
        values, classes = [found - {0} for found in values], options.classes or ('object',)
        images = [ImageLabels(n, (0,) if v else ()) for n, v in zip(names, values, strict=True)]
        return LabelledImages(tuple(images), classes[:1], bool(options.classes))
    highest = max(seen - {IGNORE_LABEL})
    found = chosen_names(options, highest, source.path, first=1)
    images = [
        ImageLabels(name, tuple(v - 1 for v in sorted(value - {0, IGNORE_LABEL})))
        for name, value in zip(names, values, strict=True)
    ]
    return LabelledImages(tuple(images), found.classes, found.named)


def mask_values(path: str | Path) -> set[int]:
    """The values of a mask of indices or grey levels; one bit is 0 and 255.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is damaged, or has colours.
    """
    with open_picture(path, 'mask') as picture:
        if picture.mode == '1':
            return set(np.unique(np.asarray(picture.convert('L'))).tolist())
        if picture.mode not in _INDEXED:
            raise InputError(
                f'{path} is a picture of colours; give the colours of the classes: --colours FILE'
            )
    return set(np.unique(read_label(path)).tolist())


def colours_of(path: str | Path) -> set[Colour]:
    """The colours of a mask.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is damaged.
    """
    with open_picture(path, 'mask') as picture:
        pixels = np.asarray(picture.convert('RGB')).reshape(-1, 3).astype(np.uint32)
    codes = np.unique(pixels @ np.array([1 << 16, 1 << 8, 1], np.uint32)).tolist()
    return {(code >> 16, code >> 8 & 255, code & 255) for code in codes}


def _by_colours(
    source: Source,
    names: Sequence[str],
    table: dict[Colour, str],
    path: Path,
    options: ReadOptions,
) -> LabelledImages:
    rows = []
    for name in names:
        found = colours_of(source.full(name))
        unknown = sorted(found - {*table, (0, 0, 0), VOID})
        if unknown:
            raise InputError(
                f'{source.full(name)}: {len(unknown)} colours are not in {path}, the first is '
                f'{unknown[0]} (red, green, blue); masks must not be smoothed or saved as JPEG'
            )
        labels = [table[colour] for colour in found if table.get(colour)]
        rows.append(NamedLabels(name, labels, str(source.full(name))))
    known = list(dict.fromkeys(name for name in table.values() if name))
    return from_names(rows, options.classes, known)
