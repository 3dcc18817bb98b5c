"""Label PNGs: what they can hold, and which are read."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.label_file import VOID_COLOUR, read_label, read_palette, write_label

PALETTE = [[0, 0, 0]]


def test_label_that_does_not_fit_into_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'a\.png: a label of 8 bits cannot hold class 256'):
        write_label(tmp_path / 'a.png', np.full((2, 2), 256), PALETTE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('bits', [1, 2, 4])
def test_grey_of_few_bits(tmp_path: Path, bits: int) -> None:
    """Pillow spreads their levels over 0..255; the indices of a palette it keeps."""
    label = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8))
    label.save(tmp_path / 'grey.png', bits=bits)
    with pytest.raises(InputError, match=r'grey\.png is (grey with fewer|a 1 picture)'):
        read_label(tmp_path / 'grey.png')
    label.putpalette([0, 0, 0, 255, 0, 0])
    label.save(tmp_path / 'palette.png', bits=bits)
    assert read_label(tmp_path / 'palette.png').tolist() == [[0, 1], [1, 0]]


def test_palette(tmp_path: Path) -> None:
    """255 has the void colour unless the palette has all 256."""
    path, label = tmp_path / 'a.png', np.array([[0, 1, 255]], np.uint8)
    write_label(path, label, [[0, 0, 0], [9, 8, 7]])
    colours = read_palette(path)
    assert colours[1] == [9, 8, 7] and colours[255] == list(VOID_COLOUR)
    own = [[value, 0, value] for value in range(256)]
    write_label(path, label, own)
    assert read_palette(path) == own
    Image.fromarray(label).save(path)
    assert read_palette(path) is None
