"""The images of files and folders, and their ids."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mmdrs.datasets.image_folder import find_images
from mmdrs.errors import InputError, MissingFileError

Files = Callable[[Mapping[str, str]], Path]


def test_images_of_all_folders_in_order(files: Files) -> None:
    names = ('b.JPG', 'a.png', 'more/a.v2.jpeg', 'more/my cat.tif', 'notes.txt')
    root = files(dict.fromkeys((*names, '.hidden/c.png', 'more/.d.png'), ''))
    found = find_images([root])
    assert list(found.items()) == [
        ('a', root / 'a.png'),
        ('b', root / 'b.JPG'),
        ('more/a.v2', root / 'more/a.v2.jpeg'),
        ('more/my cat', root / 'more/my cat.tif'),
    ]


def test_ids_begin_at_the_folder_that_all_inputs_share(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = files(dict.fromkeys(('x/a.jpg', 'y/a.jpg', 'y/z/b.png', 'c.bmp'), ''))
    monkeypatch.chdir(root)
    assert find_images(['x', 'y']) == {
        'x/a': root / 'x/a.jpg',
        'y/a': root / 'y/a.jpg',
        'y/z/b': root / 'y/z/b.png',
    }
    assert find_images(['y/a.jpg']) == {'a': root / 'y/a.jpg'}
    assert find_images(['y/z/../z/b.png', 'y/a.jpg']) == {
        'z/b': root / 'y/z/b.png',
        'a': root / 'y/a.jpg',
    }
    assert set(find_images(['c.bmp', 'x'])) == {'c', 'x/a'}


def test_an_image_that_is_given_twice_counts_once(files: Files) -> None:
    root = files(dict.fromkeys(('x/a.jpg', 'x/b.jpg'), ''))
    (root / 'x' / 'link.jpg').symlink_to(root / 'x' / 'b.jpg')
    assert find_images([root / 'x' / 'a.jpg', root / 'x']) == {
        'a': root / 'x/a.jpg',
        'b': root / 'x/b.jpg',
    }


def test_named_files_are_taken_whatever_their_name(files: Files) -> None:
    root = files({'photo.heic': '', '.hidden.png': ''})
    assert set(find_images([root / 'photo.heic', root / '.hidden.png'])) == {'photo', '.hidden'}


def test_folders_behind_links_are_entered_once(files: Files, tmp_path: Path) -> None:
    root = files(dict.fromkeys(('images/a.png', 'elsewhere/b.png'), '')) / 'images'
    (root / 'linked').symlink_to(tmp_path / 'elsewhere')
    (root / 'linked' / 'up').symlink_to(root)  # a loop
    assert find_images([root]) == {'a': root / 'a.png', 'linked/b': root / 'linked/b.png'}


def test_results_are_no_images(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    root = files(dict.fromkeys(('in/a.png', 'in/out/masks/a.png', 'in/out/overlays/a.jpg'), ''))
    monkeypatch.chdir(root)
    assert find_images(['in'], Path('in', 'out')) == {'a': root / 'in/a.png'}
    os.symlink('in/out', 'linked')
    assert find_images(['in'], Path('linked')) == {'a': root / 'in/a.png'}
    with pytest.raises(InputError, match='results in the folder of images in would be taken'):
        find_images(['in'], root / 'in')


def test_two_images_of_one_name(files: Files) -> None:
    root = files(dict.fromkeys(('x/a.jpg', 'x/a.png'), ''))
    with pytest.raises(InputError, match=r'x/a\.jpg and .*x/a\.png would be one file, a;'):
        find_images([root / 'x'])


def test_no_images(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'no images in .*; they end in \.jpg'):
        find_images([tmp_path])
    with pytest.raises(MissingFileError, match='no image or folder .*nowhere'):
        find_images([tmp_path / 'nowhere'])
