"""Map files: what is written is read, a file that exists is whole."""

import ast
import errno
import os
from pathlib import Path

import numpy as np
import pytest

from mmdrs.pseudo_labels.map_file import (
    LocalizationMaps,
    read_maps,
    read_record,
    write_maps,
)


def test_round_trip(tmp_path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (2, 5, 7)).astype(np.uint8)
    record = dict(weights='abc', scales=[256, 320])
    path = tmp_path / 'folder' / 'a.npz'
    write_maps(path, LocalizationMaps((1, 4), values, (50, 70), 1.5, record))
    maps = read_maps(path)
    np.testing.assert_array_equal(maps.values, values)
    assert (maps.labels, maps.original_size, maps.scale) == ((1, 4), (50, 70), 1.5)
    assert maps.record == record == read_record(path)
    np.testing.assert_allclose(maps.floats(), values / 255 * 1.5, rtol=1e-6)
    assert [p.name for p in path.parent.iterdir()] == ['a.npz']


def test_quantising_truncates_and_keeps_values_above_one() -> None:
    maps = np.array([[[0.0, 0.2, 0.999, 1.0]]], np.float32)
    stored = LocalizationMaps.from_floats((0,), maps, (1, 4))
    assert stored.values.tolist() == [[[0, 51, 254, 255]]] and stored.scale == 1
    refined = LocalizationMaps.from_floats((0,), np.array([[[-0.1, 1.25]]], np.float32), (1, 2))
    assert refined.scale == pytest.approx(1.25)
    np.testing.assert_allclose(refined.floats(), [[[0, 1.25]]])


def test_level_of_the_threshold_survives() -> None:
    """0.2 is level 51: reading it back must not fall below the threshold."""
    stored = LocalizationMaps((0,), np.full((1, 1, 1), 51, np.uint8), (1, 1))
    assert stored.floats()[0, 0, 0] >= np.float32(0.2)


def test_damaged_and_missing_files(tmp_path) -> None:
    path = tmp_path / 'a.npz'
    with pytest.raises(FileNotFoundError, match=r'a\.npz: make them with tools/test.py'):
        read_maps(path)
    write_maps(path, LocalizationMaps((0,), np.zeros((1, 4, 4), np.uint8), (4, 4)))
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r'a\.npz is damaged.*delete it'):
        read_maps(path)
    assert read_record(path) is None


def test_full_disk_names_the_file_and_leaves_nothing(tmp_path, monkeypatch) -> None:
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, 'savez_compressed', full)
    with pytest.raises(OSError, match='No space left') as error:
        write_maps(tmp_path / 'a.npz', LocalizationMaps((), np.zeros((0, 1, 1), np.uint8), (1, 1)))
    assert error.value.filename.endswith('a.npz') and error.value.errno == errno.ENOSPC
    assert not list(tmp_path.iterdir())


def test_shape_is_checked(tmp_path) -> None:
    with pytest.raises(ValueError, match='one map for each of the classes'):
        write_maps(
            tmp_path / 'a.npz', LocalizationMaps((0, 1), np.zeros((1, 2, 2), np.uint8), (2, 2))
        )


def test_header_that_python_miscounted_is_read_again(tmp_path: Path, monkeypatch) -> None:
    """Once is CPython's fault; every time is an error to be seen."""
    stored = LocalizationMaps.from_floats((1,), np.ones((1, 2, 2), np.float32), (4, 4))
    write_maps(tmp_path / 'a.npz', stored)
    failures = iter([True, False] * 10)
    read = ast.literal_eval

    def miscounted(text: str) -> object:
        if next(failures):
            raise SystemError('AST constructor recursion depth mismatch (before=195, after=217)')
        return read(text)

    monkeypatch.setattr(ast, 'literal_eval', miscounted)
    assert read_maps(tmp_path / 'a.npz').values.tolist() == stored.values.tolist()
    failures = iter([True] * 10)
    with pytest.raises(ValueError, match='mismatch'):
        read_maps(tmp_path / 'a.npz')


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('scale', np.nan, 'its scale is nan'),
        ('scale', np.inf, 'its scale is inf'),
        ('scale', -1.0, 'its scale is -1.0'),
        ('labels', [-1], r'its classes are \(-1,\)'),
        ('labels', [254], r'its classes are \(254,\)'),
        ('labels', [0.5], r'its classes are \(0.5,\)'),
        ('labels', [1, 2], r'its maps are uint8 \(1, 2, 2\) for 2 classes'),
        ('values', np.full((1, 2, 2), np.nan), r'its maps are float64'),
        ('values', np.zeros((1, 0, 2), np.uint8), r'its maps are uint8 \(1, 0, 2\)'),
        ('original_size', [4, 0], r'the size of its image is \(4, 0\)'),
        ('record', '[]', 'its record is no JSON object'),
    ],
)
def test_nonsense_in_a_whole_file(tmp_path: Path, name: str, value, reason: str) -> None:
    stored = LocalizationMaps.from_floats((1,), np.ones((1, 2, 2), np.float32), (4, 4))
    write_maps(tmp_path / 'a.npz', stored)
    arrays = dict(np.load(tmp_path / 'a.npz'))
    np.savez(tmp_path / 'a.npz', **{**arrays, name: np.array(value)})
    with pytest.raises(ValueError, match=rf'a\.npz is damaged .*{reason}.*make it again'):
        read_maps(tmp_path / 'a.npz')
