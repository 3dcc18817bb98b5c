"""Palette PNGs hold labels and palette."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.reporting.export.pngs import write_pngs
from tests.reporting.export.labels import LABELS, labelled


def test_labels_and_palette(tmp_path: Path) -> None:
    images = labelled({f'sub/{name}': label for name, label in LABELS.items()})
    write_pngs(tmp_path, images)
    assert len([*tmp_path.rglob('*.png')]) == len(LABELS)
    for name, label in LABELS.items():
        with Image.open(tmp_path / 'sub' / f'{name}.png') as picture:
            assert picture.mode == 'P'
            np.testing.assert_array_equal(np.array(picture), label, name)
            colours = np.array(picture.getpalette()).reshape(-1, 3)
            np.testing.assert_array_equal(colours[:4], images.palette)


def test_pngs_of_others_stay(tmp_path: Path) -> None:
    Image.new('L', (3, 3), 7).save(tmp_path / 'blob.png')
    before = (tmp_path / 'blob.png').read_bytes()
    with pytest.raises(InputError, match=r'blob\.png'):
        write_pngs(tmp_path, labelled(dict(hole=LABELS['hole'], blob=LABELS['blob'])))
    assert [path.name for path in tmp_path.iterdir()] == ['blob.png']
    assert (tmp_path / 'blob.png').read_bytes() == before
