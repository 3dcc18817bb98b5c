"""The images of a folder."""

from pathlib import Path

import pytest

from mmdrs.datasets.image_folder import images_below
from mmdrs.errors import InputError, MissingFileError


def test_images_of_all_folders_in_order(tmp_path: Path) -> None:
    names = ('b.JPG', 'a.png', 'more/a.jpeg', 'more/my cat.tif', 'notes.txt', '.hidden/c.png')
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = images_below(tmp_path)
    assert found == {
        'a': tmp_path / 'a.png',
        'b': tmp_path / 'b.JPG',
        'more/a': tmp_path / 'more/a.jpeg',
        'more/my cat': tmp_path / 'more/my cat.tif',
    }


def test_two_images_of_one_name(tmp_path: Path) -> None:
    for name in ('a.jpg', 'a.png'):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r'a\.jpg and .*a\.png have one name'):
        images_below(tmp_path)


def test_no_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='holds no image'):
        images_below(tmp_path)
    with pytest.raises(MissingFileError, match='no folder of images .*nowhere'):
        images_below(tmp_path / 'nowhere')
