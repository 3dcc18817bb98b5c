"""Formats and errors of the lists of image-level labels."""

from pathlib import Path

import pytest

from mmdrs.datasets.label_lists import (
    ImageLabels,
    read_class_folders,
    read_id_list,
    read_label_list,
    write_label_list,
)
from mmdrs.errors import InputError

CLASSES = ('cat', 'dog', 'potted plant')


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding='utf-8')
    return path


def test_text_list(tmp_path: Path) -> None:
    text = '\ufeff# id and classes\n2007_000032 2 0\n\n  b/c dog 1 \r\nno_label\n'
    assert read_label_list(write(tmp_path, 'a.txt', text), CLASSES) == [
        ImageLabels('2007_000032', (0, 2)),
        ImageLabels('b/c', (1,)),
        ImageLabels('no_label', ()),
    ]


def test_csv_with_a_label_column(tmp_path: Path) -> None:
    text = 'id,labels\na,cat;potted plant\nb,1|dog\n\n"c",potted plant\nd,0 dog\ne,\n'
    images = read_label_list(write(tmp_path, 'a.csv', text), CLASSES)
    assert [(i.id, i.labels) for i in images] == [
        ('a', (0, 2)),
        ('b', (1,)),
        ('c', (2,)),
        ('d', (0, 1)),
        ('e', ()),
    ]


def test_csv_with_a_column_per_class_in_any_order(tmp_path: Path) -> None:
    text = 'name, potted plant,cat,dog\na,1,0,1\nb,0,1,0\nc,0,0,0\n'
    images = read_label_list(write(tmp_path, 'a.csv', text), CLASSES)
    assert [(i.id, i.labels) for i in images] == [('a', (1, 2)), ('b', (0,)), ('c', ())]


def test_csv_with_a_class_called_labels(tmp_path: Path) -> None:
    """Then the column is that of the class."""
    path = write(tmp_path, 'a.csv', 'id,labels\na,1\nb,0\n')
    assert [image.labels for image in read_label_list(path, ['labels'])] == [(0,), ()]


@pytest.mark.parametrize(
    ('name', 'text', 'words'),
    [
        ('a.txt', 'x 0\ny Dgo\n', ["unknown class 'Dgo'", "mean 'dog'", 'line 2', 'cat, dog']),
        ('a.txt', 'x 0\n\ny 3\n', ['line 3', 'class 3', '0..2', '0-based']),
        ('a.txt', 'x -1\n', ['line 1', 'class -1', '0..2']),
        ('a.txt', 'x 0\ny 1\nx 1\n', ["id 'x'", 'line 3', 'line 1 already']),
        ('a.txt', 'x\ny\n', ['plain list of ids', "'x 0'", "'x cat'"]),
        ('a.txt', '# nothing\n\n', ['lists no image']),
        ('a.csv', '', ['header', 'id,labels']),
        ('a.csv', 'id,labels\n', ['lists no image']),
        ('a.csv', 'id,labels\nx,cat\ny,cta\n', ['line 3', "'cta'", "mean 'cat'"]),
        ('a.csv', 'id,labels\nx,cat,dog\n', ['line 2', '3 cells', 'header has 2']),
        ('a.csv', 'id,labels\n,cat\n', ['line 2', 'no image id']),
        ('a.csv', 'id,cat,dog,bird\nx,1,0,0\n', ['header', "unknown class 'bird'"]),
        ('a.csv', 'id,cat,dog\nx,1,0\n', ['header', 'potted plant', "column 'labels'"]),
        ('a.csv', 'id,cat,cat,dog,potted plant\nx,1,0,0,0\n', ["'cat' appears more than once"]),
        ('a.csv', 'id,cat,dog,potted plant\nx,1,2,0\n', ['line 2', "'2'", "class 'dog'"]),
        ('a.json', 'x 0\n', ['.txt or .csv', "'.json'"]),
    ],
)
def test_errors_name_file_line_and_text(
    tmp_path: Path, name: str, text: str, words: list[str]
) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(ValueError) as error:
        read_label_list(path, CLASSES)
    for word in [str(path), *words]:
        assert word in str(error.value)


def test_missing_and_binary_list(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match='none.txt'):
        read_label_list(tmp_path / 'none.txt', CLASSES)
    (tmp_path / 'a.txt').write_bytes(b'x 0\n\xff\xfe\n')
    with pytest.raises(ValueError, match='a.txt: not a text file in UTF-8'):
        read_label_list(tmp_path / 'a.txt', CLASSES)


def test_id_list_ignores_what_follows_the_id(tmp_path: Path) -> None:
    expected = [ImageLabels('a', ()), ImageLabels('b', ())]
    assert read_id_list(write(tmp_path, 'a.txt', 'a 0 nonsense\nb\n')) == expected
    assert read_id_list(write(tmp_path, 'a.csv', 'id,labels\na,x\nb,\n')) == expected
    with pytest.raises(ValueError, match="id 'a' is on line 1 already"):
        read_id_list(write(tmp_path, 'b.txt', 'a\na\n'))


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


def test_class_folders_refuse_two_images_of_one_name(folders: Path) -> None:
    (folders / 'dog' / 'one.jpg').write_bytes(b'another')
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


def test_lists_can_be_read_again(tmp_path: Path) -> None:
    images = [ImageLabels('b', (0, 14)), ImageLabels('a', ())]
    write_label_list(tmp_path / 'lists' / 'train_cls.txt', images)
    assert (tmp_path / 'lists' / 'train_cls.txt').read_text() == 'b 0 14\na\n'
    classes = [f'class {number}' for number in range(15)]
    assert read_label_list(tmp_path / 'lists' / 'train_cls.txt', classes) == images


@pytest.mark.parametrize(
    ('images', 'problem'),
    [
        ([ImageLabels('a', ()), ImageLabels('b', ())], 'none of its 2 images has a label'),
        ([ImageLabels('my cat', (1,))], "'my cat' cannot be an id of a list"),
        ([ImageLabels('#1', (1,))], "'#1' cannot be an id of a list"),
    ],
)
def test_lists_that_could_not_be_read_are_not_written(
    tmp_path: Path, images: list[ImageLabels], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        write_label_list(tmp_path / 'a.txt', images)
    assert list(tmp_path.iterdir()) == []
