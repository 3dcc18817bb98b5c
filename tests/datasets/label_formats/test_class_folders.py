"""One folder of images per class."""

from pathlib import Path

import pytest

from mmdrs.datasets import ImageLabels, read_class_folders
from mmdrs.errors import InputError

CLASSES = ('cat', 'dog', 'potted plant')


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for name in (*CLASSES, '.cache'):
        (tmp_path / name).mkdir()
    (tmp_path / 'cat' / 'one.jpg').write_bytes(b'1')
    (tmp_path / 'cat' / 'two.JPG').write_bytes(b'22')
    (tmp_path / 'cat' / 'notes.md').write_bytes(b'-')
    (tmp_path / 'potted plant' / 'two.JPG').write_bytes(b'22')
    return tmp_path


def test_class_folders(folders: Path) -> None:
    assert read_class_folders(folders, CLASSES, ('.jpg', '.png')) == [
        ImageLabels('one', (0,), 'cat/one.jpg'),
        ImageLabels('two', (0, 2), 'cat/two.JPG'),
    ]


@pytest.mark.parametrize('data', [b'another', b'2'])
def test_class_folders_refuse_two_images_of_one_name(folders: Path, data: bytes) -> None:
    (folders / 'dog' / 'one.jpg').write_bytes(data)
    with pytest.raises(ValueError, match=r'cat.one\.jpg and .*dog.one\.jpg .*rename'):
        read_class_folders(folders, CLASSES)


def test_class_folders_refuse_wrong_folders(folders: Path) -> None:
    with pytest.raises(ValueError, match=r'no image ending in \.tif'):
        read_class_folders(folders, CLASSES, ('.tif',))
    with pytest.raises(FileNotFoundError, match="no folder for class 'bird'"):
        read_class_folders(folders, (*CLASSES, 'bird'))
    with pytest.raises(FileNotFoundError, match='absent: no such folder'):
        read_class_folders(folders / 'absent', CLASSES)
    (folders / 'catt').mkdir()
    with pytest.raises(ValueError, match=r"unknown class 'catt' \(did you mean 'cat'\?\)"):
        read_class_folders(folders, CLASSES)


def test_folders_of_a_source_are_their_classes(files, detected) -> None:
    """Numbered files of two folders are two images, unless they are the same."""
    root = files(
        {
            'cat/001.jpg': b'a cat',
            'sea lion/001.jpg': b'a sea lion',
            'cat/both.WEBP': b'two',
            'sea lion/both.WEBP': b'two',
            'sea lion/day 2/003.Tif': b'3',
            'logo.png': b'',
            'masks/001.png': b'',
            '.cache/001.jpg': b'',
        }
    )
    images = {
        'cat/001.jpg': ('cat',),
        'cat/both.WEBP': ('cat', 'sea lion'),
        'sea lion/001.jpg': ('sea lion',),
        'sea lion/day 2/003.Tif': ('sea lion',),
    }
    assert detected(root) == ('folders', (images, ('cat', 'sea lion')))
    with pytest.raises(InputError, match=r"both\.WEBP: unknown class 'sea lion'"):
        detected(root, 'cat')


def test_folders_below_parts_of_the_data(files, detected) -> None:
    root = files({'train/cat/1.jpg': b'1', 'val/cat/1.jpg': b'1', 'val/dog/2.jpeg': b'2'})
    files({'images/dog/1.jpg': b'1', 'images/3.jpg': b'3', 'train/images/cat/4.jpg': b'4'})
    assert detected(root)[1][0] == {
        'images/dog/1.jpg': ('dog',),
        'train/cat/1.jpg': ('cat',),
        'train/images/cat/4.jpg': ('cat',),
        'val/cat/1.jpg': ('cat',),
        'val/dog/2.jpeg': ('dog',),
    }
