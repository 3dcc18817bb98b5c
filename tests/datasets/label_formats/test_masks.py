"""Masks as labels: indices, colours, 0 and 255."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError

TABLE = 'background:0,0,0::\nsea lion:250,50,83::\ncat:51,221,255::\n'


def save(path: Path, values: list, mode: str = 'L') -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(np.array([values, values], np.uint8))
    picture.convert(mode, palette=Image.Palette.ADAPTIVE).save(path)


def test_indices(tmp_path: Path, detected) -> None:
    save(tmp_path / 'IMG 1.png', [0, 2, 255, 0])
    save(tmp_path / 'train' / '2.png', [0, 0, 0, 0])
    save(tmp_path / '3.png', [1, 2, 0, 0])
    images = {'3.png': ('cat', 'sea lion'), 'IMG 1.png': ('sea lion',), 'train/2.png': ()}
    assert detected(tmp_path, 'cat', 'sea lion') == ('masks', (images, ('cat', 'sea lion')))
    assert detected(tmp_path)[1][1] == ('class_1', 'class_2')
    with pytest.raises(InputError, match='has labels of 2 classes, but --classes names 1: cat'):
        detected(tmp_path, 'cat')


@pytest.mark.parametrize('mode', ['L', '1'])
def test_0_and_255_are_one_class(mode: str, tmp_path: Path, detected) -> None:
    save(tmp_path / '1.png', [0, 255], mode)
    save(tmp_path / '2.png', [0, 0], mode)
    assert detected(tmp_path, 'sea lion')[1] == (
        {'1.png': ('sea lion',), '2.png': ()},
        ('sea lion',),
    )
    assert detected(tmp_path)[1][1] == ('object',)


def test_colours(tmp_path: Path, files, detected) -> None:
    """Void is no class; black is none either, where the table does not name it."""
    save(tmp_path / 'masks' / '1.png', [[51, 221, 255], [224, 224, 192]], 'RGB')
    save(tmp_path / 'masks' / '2.png', [[0, 0, 0], [250, 50, 83]], 'P')
    files({'colours.csv': TABLE, 'masks/readme.md': ''})
    expected = 'masks', ({'1.png': ('cat',), '2.png': ('sea lion',)}, ('sea lion', 'cat'))
    assert detected(tmp_path / 'masks', colours=tmp_path / 'colours.csv') == expected
    save(tmp_path / 'masks' / '3.png', [[51, 221, 255], [51, 221, 254]], 'RGB')
    with pytest.raises(InputError, match=r'3\.png: 1 colours are not in .*\(51, 221, 254\)'):
        detected(tmp_path / 'masks', colours=tmp_path / 'colours.csv')


def test_masks_beside_the_images(tmp_path: Path, files, detected) -> None:
    """Of two folders of masks, VOC's is the first."""
    root = files({'JPEGImages/1.jpg': b'', 'JPEGImages/2.png': b'', 'readme.txt': ''})
    save(tmp_path / 'SegmentationClass' / '1.png', [0, 1, 255])
    save(tmp_path / 'SegmentationClass' / '2.png', [0, 2, 0])
    save(tmp_path / 'masks' / '2.png', [0, 9, 0])
    images = {'1.png': ('cat',), '2.png': ('sea lion',)}
    assert detected(root, 'cat', 'sea lion') == ('masks', (images, ('cat', 'sea lion')))
