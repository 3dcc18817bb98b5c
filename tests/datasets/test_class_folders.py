"""One folder of images per class."""

from pathlib import Path

import pytest

from mmdrs.datasets import ImageLabels, read_class_folders

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
