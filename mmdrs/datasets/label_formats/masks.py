"""Masks as labels: of class indices, of colours by a table, or of 0 and 255."""

from collections.abc import Mapping
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
from mmdrs.datasets.label_formats.layout import MASKS
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
    files = _files(source)
    if not files or not source.path.is_dir():
        return ''
    if find_table(source):
        return f'{_TABLE}, and {len(files)} PNG pictures'
    try:
        modes = {read_header(source.full(name))[2] for name in [*files.values()][:5]}
    except InputError:  # damaged
        return ''
    if not modes <= {*_INDEXED}:
        return ''
    return f'{len(files)} PNG pictures of indices or grey levels'


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the classes that have a pixel in each mask.

    With a table of colours (``--colours``, or ``labelmap.txt`` in the folder) masks are read by
    their colours. Without, masks that hold only 0 and 255 are of one class, and others hold class
    indices: 0 background, 255 ignored. The id is the path of the mask in its folder.

    Raises:
        InputError: If a mask cannot be read, or holds a colour or value of no class.
    """
    files = _files(source)
    if not files:
        raise InputError(f'{source.path}: holds no PNG mask')
    colours = options.colours or find_table(source)
    if colours:
        return _by_colours(source, files, read_colour_table(colours), colours, options)
    values = [mask_values(source.full(name)) for name in files.values()]
    seen = set().union(*values)
    if IGNORE_LABEL in seen and seen <= {0, IGNORE_LABEL}:
        values, classes = [found - {0} for found in values], options.classes or ('object',)
        images = [ImageLabels(n, (0,) if v else ()) for n, v in zip(files, values, strict=True)]
        return LabelledImages(tuple(images), classes[:1], bool(options.classes))
    highest = max(seen - {IGNORE_LABEL})
    found = chosen_names(options, highest, source.path, first=1)
    images = [
        ImageLabels(name, tuple(v - 1 for v in sorted(value - {0, IGNORE_LABEL})))
        for name, value in zip(files, values, strict=True)
    ]
    return LabelledImages(tuple(images), found.classes, found.named)


def find_table(source: Source) -> Path | None:
    """CVAT's table of colours in a folder of masks, or beside it."""
    return source.full(_TABLE) if _TABLE in source.files else None


def _files(source: Source) -> dict[str, str]:
    """The masks by the id of their image.

    They are the pictures of the first folder that is named as one of masks, where images are
    beside it. Else they are all PNG files, where there are no other images.
    """
    names = source.ending('.png')
    for folder in MASKS:
        places = [(name, name.lower().find(f'/{folder}/')) for name in (f'/{n}' for n in names)]
        if any(place >= 0 for _, place in places):
            start = len(folder) + 2
            return {name[at + start :]: name[1:] for name, at in places if at >= 0}
    return {name: name for name in names} if len(names) == len(source.images) else {}


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
    files: Mapping[str, str],
    table: dict[Colour, str],
    path: Path,
    options: ReadOptions,
) -> LabelledImages:
    rows = []
    for name, file in files.items():
        found = colours_of(source.full(file))
        unknown = sorted(found - {*table, (0, 0, 0), VOID})
        if unknown:
            raise InputError(
                f'{source.full(file)}: {len(unknown)} colours are not in {path}, the first is '
                f'{unknown[0]} (red, green, blue); masks must not be smoothed or saved as JPEG'
            )
        labels = [table[colour] for colour in found if table.get(colour)]
        rows.append(NamedLabels(name, labels, str(source.full(file))))
    known = list(dict.fromkeys(name for name in table.values() if name))
    return from_names(rows, options.classes, known)
