"""Map files: what is written is read, a file that exists is whole."""

import ast
import errno
import os
from pathlib import Path

import numpy as np
import pytest

from mmdrs.errors import InputError
from mmdrs.pseudo_labels import map_file
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


@pytest.mark.parametrize(
    ('changes', 'problem'),
    [
        (dict(scale=np.float64('nan')), 'its scale is nan'),
        (dict(scale=np.float64('inf')), 'its scale is inf'),
        (dict(scale=np.float64(-1)), r'its scale is -1\.0'),
        (dict(labels=np.array([-1, 3])), r'its classes are \(-1, 3\)'),
        (dict(labels=np.array([3, 254])), r'its classes are \(3, 254\)'),
        (dict(labels=np.array([3, 3])), r'its classes are \(3, 3\)'),
        (dict(labels=np.array([0.5, 3])), 'its classes are'),
        (dict(values=np.full((2, 4, 4), np.nan)), 'its maps are float64'),
        (dict(values=np.zeros((2, 0, 4), np.uint8)), r'its maps are uint8 \(2, 0, 4\)'),
        (dict(original_size=np.array([2**20, 2**20])), r'the size of its image is \(1048576'),
        (dict(original_size=np.array([4, -4])), r'the size of its image is \(4, -4\)'),
        (dict(record=np.array('[1]')), 'its record is no JSON object'),
        (dict(record=np.array('{')), 'delete it'),
        (dict(record=np.array([{}], object)), 'delete it'),
    ],
)
def test_well_formed_files_with_impossible_values(
    tmp_path: Path, changes: dict, problem: str
) -> None:
    arrays = dict(
        labels=np.array([0, 3]),
        values=np.zeros((2, 4, 4), np.uint8),
        original_size=np.array([4, 4]),
        scale=np.float64(1),
        record=np.array('{}'),
    )
    path = tmp_path / 'a.npz'
    np.savez(path, **arrays)
    assert read_maps(path).labels == (0, 3)
    np.savez(path, **{**arrays, **changes})
    with pytest.raises(InputError, match=problem) as error:
        read_maps(path)
    assert str(error.value).startswith(f'{path} is damaged or no localization map file')


def test_every_kind_of_damage_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / 'a.npz'
    levels = np.random.default_rng(0).integers(0, 9, (1, 30, 30)).astype(np.uint8)
    write_maps(path, LocalizationMaps((0,), levels, (30, 30)))
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        try:
            maps = read_maps(path)
        except InputError as error:
            assert str(error).startswith(str(path))
        else:  # a date, or another field that nobody reads
            np.testing.assert_array_equal(maps.values, levels)
        read_record(path)


def test_archives_that_would_fill_the_memory_are_refused(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / 'a.npz'
    write_maps(path, LocalizationMaps((0,), np.zeros((1, 200, 200), np.uint8), (4, 4)))
    assert path.stat().st_size < 5000
    monkeypatch.setattr(map_file, '_LARGEST_FILE', 20_000)
    with pytest.raises(InputError, match=r'a\.npz is damaged .*\(it unpacks to'):
        read_maps(path)


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
