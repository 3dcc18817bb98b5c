"""The VOC colour map, against the colours that MMSegmentation lists."""

import pytest
from mmseg.datasets import PascalVOCDataset

from mmdrs.pseudo_labels.palette import voc_palette


def test_first_colors_are_those_of_voc() -> None:
    assert voc_palette(21) == PascalVOCDataset.METAINFO['palette']


def test_all_colors_differ_and_the_last_is_vocs_void_color() -> None:
    palette = voc_palette(256)
    assert len({tuple(color) for color in palette}) == 256
    assert palette[255] == [224, 224, 192]


def test_number_of_colors() -> None:
    assert voc_palette(0) == []
    with pytest.raises(ValueError, match='-1'):
        voc_palette(-1)
