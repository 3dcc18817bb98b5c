"""Image labels from the ``.npy`` files of other repositories, without running what they pickle.

Such a file is a pickled dict from image id to a vector of 0 and 1.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmdrs.errors import InputError
from mmdrs.pickled_arrays import read_pickled

_MOST_CLASSES = 10_000


class NpyLabels(NamedTuple):
    """The content of a file: sorted 0-based classes by image id, and the length of the vectors."""

    labels: dict[str, tuple[int, ...]]
    num_classes: int


def read_npy_labels(path: str | os.PathLike[str], num_classes: int | None = None) -> NpyLabels:
    """Read a dict from image ids to vectors of 0 and 1 that ``numpy.save`` wrote.

    Ids may be numbers, as in 2007000032 for '2007_000032', which some repositories use.

    Args:
        path: The ``.npy`` file.
        num_classes: Length of the vectors: the number of foreground classes. None: that of the
            first, at most 10000.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it holds anything else, or is damaged; names the file and the entry.
    """
    path = Path(path)
    content = read_pickled(path, 'dict from image ids to vectors')
    if not isinstance(content, dict):
        raise InputError(f'{path}: holds no dict from image ids to vectors')
    labels = {}
    for key, value in content.items():
        where = f'{path}, entry {key!r}'
        num_classes = num_classes or min(_vector(value, where).size, _MOST_CLASSES)
        labels[_image_id(key, path)] = _labels(value, num_classes, where)
    return NpyLabels(labels, num_classes or 0)


def _image_id(key: Any, path: Path) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, int) and len(str(key)) == 10:
        return f'{str(key)[:4]}_{str(key)[4:]}'
    raise InputError(f'{path}: {key!r} is no image id')


def _vector(value: Any, where: str) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.ndim != 1:
        raise InputError(f'{where}: is no vector of numbers')
    return value


def _labels(value: Any, num_classes: int, where: str) -> tuple[int, ...]:
    vector = _vector(value, where)
    if vector.shape != (num_classes,) or not np.isin(vector, (0, 1)).all():
        raise InputError(f'{where}: expected {num_classes} numbers, all of them 0 or 1')
    return tuple(np.flatnonzero(vector).tolist())
