"""Pickled dicts of arrays and tensors: their values are numpy's, and nothing in them is run."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from mmdrs.errors import InputError, MissingFileError
from mmdrs.pickled_arrays import read_pickled


def test_values_are_those_of_numpy_and_torch(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((2, 3, 4))
    content = {
        'f4': values.astype('f4'),
        'columns': np.asfortranarray(values),
        'big': values.astype('>f8'),
        np.int64(7): np.arange(6, dtype='u1').reshape(2, 3),
        'tensor': torch.from_numpy(values)[:, 1:, ::2],
        'half': torch.tensor([1.5, 2]).half(),
        'parts': [1, ('a', None, 2.5)],
        'empty': {},
    }
    np.save(tmp_path / 'a.npy', content)
    found = read_pickled(tmp_path / 'a.npy', 'file')
    assert list(found) == [*content]
    for key, value in content.items():
        if isinstance(value, np.ndarray | torch.Tensor):
            np.testing.assert_array_equal(found[key], np.asarray(value))
        else:
            assert found[key] == value


def test_an_array_of_numbers(tmp_path: Path) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    np.save(tmp_path / 'a.npy', values)
    np.testing.assert_array_equal(read_pickled(tmp_path / 'a.npy', 'file'), values)


class Command:
    """Runs a command when it is unpickled by numpy, pickle or torch."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.system, (f'touch {self.path}',)


def test_commands_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / 'a.npy', {'keys': Command(tmp_path / 'made')})
    with pytest.raises(InputError, match=r'a\.npy.* names posix\.system, which is not allowed'):
        read_pickled(tmp_path / 'a.npy', 'file of maps')
    assert not (tmp_path / 'made').exists()
    np.load(tmp_path / 'a.npy', allow_pickle=True)  # the file does what it says
    assert (tmp_path / 'made').exists()


def test_commands_in_the_storage_of_a_tensor_are_refused(tmp_path: Path) -> None:
    """PyTorch's function for a pickled storage unpickles whatever its bytes hold."""

    class Storage:
        def __reduce__(self) -> tuple:
            torch.save(Command(tmp_path / 'made'), tmp_path / 'bytes.pth')
            data = (tmp_path / 'bytes.pth').read_bytes()
            return torch.storage._load_from_bytes, (data,)

    np.save(tmp_path / 'a.npy', {'cam': Storage()})
    with pytest.raises(InputError, match=r'a\.npy'):
        read_pickled(tmp_path / 'a.npy', 'file of maps')
    assert not (tmp_path / 'made').exists()


def test_views_outside_of_a_storage_are_refused(tmp_path: Path) -> None:
    class View:
        def __reduce__(self) -> tuple:
            storage = torch.ones(4).storage()
            return torch._utils._rebuild_tensor_v2, (storage, 2, (4,), (1,), False, {})

    np.save(tmp_path / 'a.npy', {'cam': View()})
    with pytest.raises(InputError, match=r'a\.npy'):
        read_pickled(tmp_path / 'a.npy', 'file of maps')


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r'there is no file of maps .*b\.npy'):
        read_pickled(tmp_path / 'b.npy', 'file of maps')
    (tmp_path / 'c.npy').write_bytes(b'\x93NUMPY\x01\x00')
    with pytest.raises(InputError, match=r'c\.npy'):
        read_pickled(tmp_path / 'c.npy', 'file of maps')
    np.save(tmp_path / 'd.npy', np.array([{}, {}], object))
    with pytest.raises(InputError, match=r'd\.npy.* several objects'):
        read_pickled(tmp_path / 'd.npy', 'file of maps')
