"""Dicts of label vectors that others pickled: read without running anything."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from mmdrs.datasets.label_formats.npy_vectors import read_npy_labels
from mmdrs.errors import InputError, MissingFileError


def save(path: Path, content: object, protocol: int | None = None) -> Path:
    """Save as ``numpy.save``, with a protocol of pickle that another version of it used."""
    array = np.empty((), object)
    array[()] = content
    if protocol is None:
        np.save(path, array, allow_pickle=True)
        return path
    with path.open('wb') as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        pickle.dump(array, file, protocol=protocol)
    return path


def vector(*labels: int, kind: str = 'f4') -> np.ndarray:
    values = np.zeros(20, kind)
    values[list(labels)] = 1
    return values


@pytest.mark.parametrize('protocol', [None, 2, 3, 4])
@pytest.mark.parametrize('kind', ['f4', 'f8', '>f4', 'u1', 'i8', '?'])
def test_labels_of_each_image(tmp_path: Path, protocol: int | None, kind: str) -> None:
    content = {'2007_000032': vector(0, 14, kind=kind), '2007_000039': vector(19, kind=kind)}
    path = save(tmp_path / 'cls_labels.npy', content, protocol)
    assert read_npy_labels(path, 20).labels == {'2007_000032': (0, 14), '2007_000039': (19,)}


def test_length_of_the_vectors_is_that_of_the_first(tmp_path: Path) -> None:
    path = save(tmp_path / 'a.npy', {'x': vector(3), 'y': vector(19)})
    assert read_npy_labels(path) == ({'x': (3,), 'y': (19,)}, 20)
    with pytest.raises(InputError, match="entry 'y': expected 20 numbers"):
        read_npy_labels(save(path, {'x': vector(3), 'y': vector(1)[:19]}))


def test_names_of_numpy_1(tmp_path: Path) -> None:
    path = save(tmp_path / 'a.npy', {'x': vector(3)}, protocol=2)
    data = path.read_bytes()
    old = data.replace(b'numpy._core.multiarray', b'numpy.core.multiarray')
    assert old != data
    path.write_bytes(old)
    assert read_npy_labels(path, 20).labels == {'x': (3,)}


def test_pickle_of_python_2(tmp_path: Path) -> None:
    """There the bytes of an array are text."""
    header = save(tmp_path / 'a.npy', {}).read_bytes().split(b'\n')[0] + b'\n'
    data = np.ones(20, 'u1').tobytes()
    array = b'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS"b"\ntR'
    kind = b'cnumpy\ndtype\n(S"%s"\nI0\nI1\ntR(I3\nS"|"\nNNNI-1\nI-1\nI%d\ntb'
    inner = array + b'(I1\n(I20\nt' + kind % (b'u1', 0) + b'I00\nU\x14' + data + b'tb'
    outer = (
        array + b'(I1\n)' + kind % (b'O8', 63) + b'I00\n(lp1\n(dS"x"\n' + inner + b'sa' + b'tb.'
    )
    (tmp_path / 'a.npy').write_bytes(header + outer)
    assert read_npy_labels(tmp_path / 'a.npy', 20).labels == {'x': tuple(range(20))}
    found = np.load(tmp_path / 'a.npy', allow_pickle=True, encoding='latin1')
    assert found.item()['x'].tolist() == [1] * 20  # numpy agrees


def test_ids_as_numbers(tmp_path: Path) -> None:
    path = save(tmp_path / 'a.npy', {2007000032: vector(0), 2011003271: vector(1)})
    assert read_npy_labels(path, 20).labels == {'2007_000032': (0,), '2011_003271': (1,)}


class Command:
    """Runs a command when it is unpickled by numpy or pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return os.system, (f'touch {self.path}',)


@pytest.mark.parametrize('place', ['value', 'key', 'whole', 'pickle alone'])
def test_pickled_commands_are_not_run(tmp_path: Path, place: str) -> None:
    path, trace = tmp_path / 'a.npy', tmp_path / 'trace'
    command = Command(trace)
    content = {'value': {'x': command}, 'key': {command: vector(1)}}.get(place, command)
    if place == 'pickle alone':
        path.write_bytes(pickle.dumps(content))
    else:
        save(path, content)
    with pytest.raises(
        InputError, match=r'a\.npy is not a readable dict from image ids to vectors'
    ):
        read_npy_labels(path, 20)
    assert not trace.exists()
    if place == 'whole':  # the trap is a real one
        np.load(path, allow_pickle=True)
        assert trace.exists()


@pytest.mark.parametrize('name', ['builtins eval', 'numpy load', 'numpy.core.multiarray fromfile'])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / 'a.npy', {}, protocol=2)
    header = path.read_bytes()[: path.read_bytes().index(b'\n') + 1]
    path.write_bytes(header + f'c{name}\n'.replace(' ', '\n').encode() + b'.')
    with pytest.raises(InputError, match=f'it names {name.replace(" ", ".")}, which is not'):
        read_npy_labels(path, 20)


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        ([1, 2], 'holds no dict'),
        ({'x': vector(1)[:19]}, "entry 'x': expected 20 numbers, all of them 0 or 1"),
        ({'x': vector(1) * 0.5}, "entry 'x': expected 20 numbers, all of them 0 or 1"),
        ({'x': vector(1).reshape(4, 5)}, "entry 'x': is no vector of numbers"),
        ({'x': np.array(['a'] * 20)}, "an array of type 'U1'"),
        ({'x': np.array([None] * 20)}, "an array of type 'O8'"),
        ({'x': 3}, "entry 'x': is no vector of numbers"),
        ({7: vector(1)}, '7 is no image id'),
    ],
)
def test_other_contents(tmp_path: Path, content: object, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        read_npy_labels(save(tmp_path / 'a.npy', content), 20)


def test_broken_files(tmp_path: Path) -> None:
    path = save(tmp_path / 'a.npy', {'x': vector(1)})
    whole = path.read_bytes()
    for data in (b'', b'no array', whole[:60], whole[:-40]):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r'a\.npy is not a readable dict from image ids'):
            read_npy_labels(path, 20)
    np.save(path, np.zeros(3))
    with pytest.raises(InputError, match='holds no dict from image ids'):
        read_npy_labels(path, 20)
    with pytest.raises(
        MissingFileError, match=r'there is no dict from image ids to vectors .*b\.npy'
    ):
        read_npy_labels(tmp_path / 'b.npy', 20)
