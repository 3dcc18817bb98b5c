"""Masks of class indices from other masks."""

from pathlib import Path

import numpy as np
import pytest

from mmdrs.errors import InputError
from mmdrs.pipeline.new_settings.index_masks import indices, write_index_masks
from mmdrs.pipeline.new_settings.survey import MapFolder
from mmdrs.pseudo_labels.label_file import read_label
from tests.datasets.label_formats.test_masks import save

TABLE = {(9, 0, 0): 'cat', (0, 0, 9): 'sea lion', (1, 1, 1): ''}
MASKS = MapFolder('masks', frozenset({'x/1', '2'}), 'they are of colours', 'colours')


def test_colours(tmp_path: Path) -> None:
    """Black and VOC's void need no line in the table; classes have another order than it."""
    save(tmp_path / 'masks' / 'x' / '1.png', [[9, 0, 0], [0, 0, 9], [0, 0, 0]], 'RGB')
    save(tmp_path / 'masks' / '2.png', [[1, 1, 1], [224, 224, 192], [0, 0, 9]], 'P')
    out = tmp_path / 's_masks'
    found = write_index_masks(tmp_path, MASKS, out, ('sea lion', 'cat'), TABLE)
    assert found == MapFolder(str(out), MASKS.ids)
    assert read_label(out / 'x' / '1.png').tolist() == [[2, 1, 0]] * 2
    assert read_label(out / '2.png').tolist() == [[0, 255, 1]] * 2
    save(tmp_path / 'masks' / '2.png', [[9, 0, 1]], 'RGB')
    with pytest.raises(InputError, match=r'masks/2\.png: no class has the colour \(9, 0, 1\)'):
        write_index_masks(tmp_path, MASKS, out, ('sea lion', 'cat'), TABLE)


@pytest.mark.parametrize('mode', ['L', '1'])
def test_0_and_255(mode: str, tmp_path: Path) -> None:
    save(tmp_path / 'masks' / 'x' / '1.png', [0, 255, 0], mode)
    save(tmp_path / 'masks' / '2.png', [0, 0, 0], mode)
    write_index_masks(tmp_path, MASKS, tmp_path / 'out', ('cat',), None)
    assert read_label(tmp_path / 'out' / 'x' / '1.png').tolist() == [[0, 1, 0]] * 2


def test_every_pixel_gets_the_value_of_its_colour() -> None:
    rng = np.random.default_rng(0)
    values = {tuple(rng.integers(0, 256, 3).tolist()): number for number in range(50)}
    colours = np.array([*values], np.uint8)
    expected = rng.integers(0, 50, (40, 30)).astype(np.uint8)
    assert np.array_equal(indices(colours[expected], values, Path('a.png')), expected)
