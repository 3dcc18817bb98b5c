"""Image labels from the ``.npy`` files of other repositories, without running what they pickle.

Such a file is a pickled dict from image id to a vector of 0 and 1. A pickle may name any function
with any arguments, and numpy's ``allow_pickle=True`` calls it. Here the few names that a dict of
arrays needs mean the inert classes below, every other name is an error, and an array is made from
its bytes by :func:`numpy.frombuffer`.
"""

import os
import pickle
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mmdrs.errors import InputError, MissingFileError

_MOST_CLASSES = 10_000
_TYPE = re.compile(r'[biuf][1248]')  # booleans, integers and floats, as in 'f4'


class NpyLabels(NamedTuple):
    """The content of a file: sorted 0-based classes by image id, and the length of the vectors."""

    labels: dict[str, tuple[int, ...]]
    num_classes: int


def read_npy_labels(path: str | os.PathLike, num_classes: int | None = None) -> NpyLabels:
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
    if not path.is_file():
        raise MissingFileError(f'{path}: no such file')
    content = _load(path)
    if not isinstance(content, dict):
        raise InputError(f'{path}: holds no dict from image ids to vectors')
    labels = {}
    for key, value in content.items():
        where = f'{path}, entry {key!r}'
        num_classes = num_classes or min(_vector(value, where).size, _MOST_CLASSES)
        labels[_image_id(key, path)] = _labels(value, num_classes, where)
    return NpyLabels(labels, num_classes or 0)


class _PickledType:
    """In place of ``numpy.dtype``: its code, as in 'f4', and the byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code = code
        self.order = '='

    def __setstate__(self, state: tuple) -> None:
        self.order = state[1]

    def numpy(self) -> np.dtype:
        if not isinstance(self.code, str) or not _TYPE.fullmatch(self.code):
            raise InputError(f'an array of type {self.code!r}')
        return np.dtype(self.code).newbyteorder('>' if self.order == '>' else '<')


class _PickledArray:
    """In place of ``numpy.ndarray``: version, shape, type, order, and bytes or objects."""

    state: tuple = ()

    def __setstate__(self, state: tuple) -> None:
        self.state = state

    def vector(self) -> np.ndarray:
        _, shape, kind, _, data = self.state
        if isinstance(data, str):  # bytes that Python 2 pickled
            data = data.encode('latin1')
        array = np.frombuffer(data, kind.numpy())
        if shape != (array.size,):
            raise InputError(f'an array of shape {shape}')
        return array

    def only_item(self) -> Any:
        """The one object of an array without dimensions."""
        _, shape, _, _, items = self.state
        if shape != () or not isinstance(items, list) or len(items) != 1:
            raise InputError('an array of several objects')
        return items[0]


def _encode(text: str, encoding: str) -> bytes:
    """How pickles of protocol 2 write bytes."""
    if encoding not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'text in encoding {encoding!r}')
    return text.encode('latin1')


_INERT = {
    ('numpy', 'ndarray'): 'numpy.ndarray',  # only ever an argument
    ('numpy', 'dtype'): _PickledType,
    ('numpy.core.multiarray', '_reconstruct'): lambda *_: _PickledArray(),  # numpy 1
    ('numpy._core.multiarray', '_reconstruct'): lambda *_: _PickledArray(),  # numpy 2
    ('_codecs', 'encode'): _encode,
}


class _ArrayUnpickler(pickle.Unpickler):
    """Reads dicts, lists, text, numbers and arrays, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _INERT:
            raise pickle.UnpicklingError(f'it names {module}.{name}, which is not allowed')
        return _INERT[module, name]


def _load(path: Path) -> Any:
    with path.open('rb') as file:
        try:
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[np.lib.format.read_magic(file)]
            if not read_header(file)[2].hasobject:
                raise InputError('an array of numbers')
            return _ArrayUnpickler(file, encoding='latin1').load().only_item()
        except Exception as error:  # a broken pickle raises nearly anything
            raise InputError(
                f'{path}: not a dict from image ids to vectors as numpy.save writes it ({error})'
            ) from error


def _image_id(key: Any, path: Path) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, int) and len(str(key)) == 10:
        return f'{str(key)[:4]}_{str(key)[4:]}'
    raise InputError(f'{path}: {key!r} is no image id')


def _vector(value: Any, where: str) -> np.ndarray:
    try:
        return value.vector()
    except Exception as error:  # not an array, or one whose parts do not fit
        raise InputError(f'{where}: not a vector of numbers ({error})') from error


def _labels(value: Any, num_classes: int, where: str) -> tuple[int, ...]:
    vector = _vector(value, where)
    if vector.shape != (num_classes,) or not np.isin(vector, (0, 1)).all():
        raise InputError(f'{where}: expected {num_classes} numbers, all of them 0 or 1')
    return tuple(np.flatnonzero(vector).tolist())
