"""Dicts of arrays that ``numpy.save`` pickled, read without running what they pickle.

The repositories of this field store image labels and maps as ``.npy`` files of Python objects. A
pickle may name any function with any arguments, and numpy's ``allow_pickle=True`` calls it. Here
the few names that dicts of arrays and tensors need mean the inert classes below, every other name
is an error, and an array is made from its bytes by :func:`numpy.frombuffer`.
"""

import io
import os
import pickle
import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from mmdrs.reading import reading

_TYPE = re.compile(r'[biuf][1248]')  # booleans, integers and floats, as in 'f4'


def read_pickled(path: str | os.PathLike[str], what: str) -> Any:
    """Read a ``.npy`` file: an array of numbers, or the one object that it pickles.

    Args:
        path: The file.
        what: What it should be, for messages.

    Returns:
        An array, or dicts, lists, tuples, text, numbers and arrays; tensors become arrays.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is damaged, or holds anything else; names the file.
    """
    with reading(path, what), open(path, 'rb') as file:
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(file)]
        if not read_header(file)[2].hasobject:
            return np.load(path, allow_pickle=False)
        return _plain(_ArrayUnpickler(file, encoding='latin1').load().only_item())


class _PickledType:
    """In place of ``numpy.dtype``: its code, as in 'f4', and the byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        self.code = code
        self.order = '='

    def __setstate__(self, state: tuple) -> None:
        self.order = state[1]

    def numpy(self) -> np.dtype:
        if not isinstance(self.code, str) or not _TYPE.fullmatch(self.code):
            raise ValueError(f'an array of type {self.code!r}')
        return np.dtype(self.code).newbyteorder('>' if self.order == '>' else '<')


class _PickledArray:
    """In place of ``numpy.ndarray``: version, shape, type, order, and bytes or objects."""

    state: tuple = ()

    def __setstate__(self, state: tuple) -> None:
        self.state = state

    def array(self) -> np.ndarray:
        _, shape, kind, fortran, data = self.state
        if isinstance(data, str):  # bytes that Python 2 pickled
            data = data.encode('latin1')
        return np.frombuffer(data, kind.numpy()).reshape(shape, order='F' if fortran else 'C')

    def only_item(self) -> Any:
        """The one object of an array without dimensions."""
        _, shape, _, _, items = self.state
        if shape != () or not isinstance(items, list) or len(items) != 1:
            raise ValueError('an array of several objects')
        return items[0]


class _PickledTensor:
    """In place of ``torch.Tensor``: its storage and the part of it."""

    def __init__(
        self, storage: Any, offset: int, size: Sequence[int], stride: Sequence[int], *_: Any
    ) -> None:
        self.parts = storage, offset, tuple(size), tuple(stride)

    def array(self) -> np.ndarray:
        storage, offset, size, stride = self.parts
        flat = torch.empty(0, dtype=storage.dtype).set_(storage)
        return flat.as_strided(size, stride, offset).numpy()


def _storage(data: bytes) -> Any:
    """The storage of a tensor; PyTorch's own function would unpickle anything."""
    return torch.load(io.BytesIO(data), map_location='cpu', weights_only=True)


def _number(kind: _PickledType, data: bytes) -> Any:
    """In place of a numpy scalar."""
    return np.frombuffer(data, kind.numpy())[0].item()


def _encode(text: str, encoding: str) -> bytes:
    """How pickles of protocol 2 write bytes."""
    if encoding not in ('latin1', 'latin-1'):
        raise pickle.UnpicklingError(f'text in encoding {encoding!r}')
    return text.encode('latin1')


_INERT = {
    ('numpy', 'ndarray'): 'numpy.ndarray',  # only ever an argument
    ('numpy', 'dtype'): _PickledType,
    **{
        (f'numpy.{core}.multiarray', name): inert  # core: numpy 1, _core: numpy 2
        for core in ('core', '_core')
        for name, inert in (('_reconstruct', lambda *_: _PickledArray()), ('scalar', _number))
    },
    ('_codecs', 'encode'): _encode,
    ('torch._utils', '_rebuild_tensor_v2'): _PickledTensor,
    ('torch.storage', '_load_from_bytes'): _storage,
    ('collections', 'OrderedDict'): OrderedDict,  # a tensor's hooks, of which there are none
}


class _ArrayUnpickler(pickle.Unpickler):
    """Reads dicts, lists, text, numbers, arrays and tensors, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _INERT:
            raise pickle.UnpicklingError(f'it names {module}.{name}, which is not allowed')
        return _INERT[module, name]


def _plain(value: Any) -> Any:
    """The value with arrays in place of the inert ones."""
    if isinstance(value, _PickledArray | _PickledTensor):
        return value.array()
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(item) for item in value)
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    raise ValueError(f'it holds a {type(value).__name__}')
