"""Localization maps as other repositories store them.

* ``.npy`` of IRN and its successors: a dict with ``keys`` (classes from 0) and ``high_res`` or
  ``cam`` (K, h, w); of SEAM and PSA: a dict from class to map (h, w); or one array with a map of
  every class (classes, h, w).
* One PNG a class, ``<id>_<class>.png``, as WSSS-BED publishes the maps of seven methods: 0..255.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmdrs.errors import InputError, did_you_mean
from mmdrs.pickled_arrays import read_pickled
from mmdrs.pseudo_labels.image_file import open_picture
from mmdrs.reading import reading

#: Keys under which IRN and its successors store maps, the largest maps first.
_IRN_MAPS = ('high_res', 'cam')


class ClassMaps(NamedTuple):
    """Maps of one image: the classes, ascending from 0, and float32 (classes, h, w)."""

    labels: tuple[int, ...]
    values: np.ndarray


def read_npy_maps(path: str | Path, num_classes: int) -> ClassMaps:
    """Read the maps of a ``.npy`` file, without running what it pickles.

    Args:
        path: The file.
        num_classes: Classes, background included.

    Returns:
        The maps as they are stored; those of uint8 divided by 255. Of one array with all classes,
        those that are not zero everywhere.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it holds anything else, or is damaged; names the file.
    """
    content = read_pickled(path, 'file of maps')
    with reading(path, 'file of maps'):
        if isinstance(content, np.ndarray):
            maps = _all_classes(content, num_classes)
        elif isinstance(content, dict):
            maps = _of_dict(content)
        else:
            raise InputError(f'{path} holds a {type(content).__name__}, no maps')
    if any(not 0 <= label < num_classes - 1 for label in maps.labels):
        raise InputError(
            f'{path} holds maps of the classes {list(maps.labels)}, but foreground classes are '
            f'0..{num_classes - 2}'
        )
    return maps


def _all_classes(content: np.ndarray, num_classes: int) -> ClassMaps:
    if content.ndim != 3 or len(content) != num_classes - 1:
        raise ValueError(
            f'an array of shape {content.shape}; maps of all classes are ({num_classes - 1}, h, w)'
        )
    labels = np.flatnonzero(content.any(axis=(1, 2)))
    return ClassMaps(tuple(labels.tolist()), _floats(content[labels]))


def _of_dict(content: Mapping[Any, Any]) -> ClassMaps:
    if 'keys' in content:
        name = next((name for name in _IRN_MAPS if name in content), None)
        if name is None:
            raise ValueError(f'it has `keys`, but none of {", ".join(_IRN_MAPS)}')
        labels, values = np.ravel(content['keys']).tolist(), np.asarray(content[name])
    else:
        labels, values = [*content], np.stack([*content.values()]) if content else np.empty(0)
    if not labels:
        return ClassMaps((), np.zeros((0, 1, 1), np.float32))
    if not all(isinstance(label, int) for label in labels) or len(set(labels)) < len(labels):
        raise ValueError(f'its classes are {labels}')
    if values.ndim != 3 or len(values) != len(labels) or not values.size:
        raise ValueError(f'maps of shape {values.shape} for {len(labels)} classes')
    order = np.argsort(labels)
    return ClassMaps(tuple(labels[index] for index in order), _floats(values[order]))


def _floats(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values.astype(np.float32) / 255
    if not np.isfinite(values).all():
        raise ValueError('its maps hold values that are no numbers')
    return values.astype(np.float32)


def find_class_pngs(folder: str | Path, classes: Sequence[str]) -> dict[str, dict[int, Path]]:
    """The files ``<id>_<class>.png`` of a folder, by image id and class (from 0).

    The class is a name, or a number. Numbers start at 0, or at 1 where the last one needs it.

    Args:
        folder: The folder.
        classes: Class names, background first.

    Raises:
        InputError: If a class is unknown, or numbers may start at 0 as well as at 1.
    """
    names = list(classes[1:])
    parts = [(path, *path.stem.rpartition('_')[::2]) for path in Path(folder).glob('*.png')]
    parts = [(path, image, token) for path, image, token in parts if image]
    numbers = {int(t) for _, _, t in parts if t not in names and t.isdigit()}
    first = _first_number(numbers, len(names), folder)
    found: dict[str, dict[int, Path]] = {}
    for path, image, token in sorted(parts):
        if token not in names and not token.isdigit():
            raise InputError(
                f'{path}: {token!r} is no class; files are named <id>_<class>.png'
                f'{did_you_mean(token, names)}'
            )
        index = names.index(token) if token in names else int(token) - first
        found.setdefault(image, {})[index] = path
    return found


def _first_number(numbers: set[int], count: int, folder: str | Path) -> int:
    """The number of the first class in file names."""
    if not numbers:
        return 0
    if max(numbers) > count or {0, count} <= numbers:
        raise InputError(
            f'{folder}: classes of its files have the numbers {min(numbers)} to {max(numbers)}, '
            f'but there are {count} classes besides the background'
        )
    if 0 not in numbers and count not in numbers:
        raise InputError(
            f'{folder}: no file has the class number 0 or {count}, so it is not known whether the '
            'numbers start at 0 or 1; rename the files to <id>_<name of the class>.png'
        )
    return int(count in numbers)


def read_class_pngs(paths: Mapping[int, Path]) -> ClassMaps:
    """Read the maps of one image, grey pictures 0..255, as 0..1.

    Raises:
        InputError: If a file is damaged, or they differ in size; names the file.
    """
    if not paths:
        return ClassMaps((), np.zeros((0, 1, 1), np.float32))
    values: list[np.ndarray] = []
    for label in sorted(paths):
        with open_picture(paths[label], 'localization map') as picture:
            values.append(np.array(picture.convert('L')))
        if values[-1].shape != values[0].shape:
            raise InputError(f'{paths[label]} differs in size from {paths[min(paths)]}')
    return ClassMaps(tuple(sorted(paths)), np.stack(values).astype(np.float32) / 255)
