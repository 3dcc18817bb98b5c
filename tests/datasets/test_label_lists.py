"""Formats and errors of the lists of image-level labels."""

from pathlib import Path

import pytest

from mmdrs.datasets.label_lists import (
    ImageLabels,
    read_id_list,
    read_label_list,
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


@pytest.mark.parametrize('end', ['0 1 0', '1 1 1'])
def test_table_of_a_number_for_every_class(tmp_path: Path, end: str) -> None:
    """As NUS-WIDE and ChestX-ray14 have it: read as indices, all images had classes 0 and 1."""
    text = f'a.jpg 1 0 1\nb.jpg 0 0 0\nc.jpg {end}\n'
    expected = [(0, 2), (), (1,) if end == '0 1 0' else (0, 1, 2)]
    images = read_label_list(write(tmp_path, 'a.txt', text), CLASSES)
    assert [image.labels for image in images] == expected
    rows = text.strip().split('\n')
    cells = 'id,labels\n' + ''.join(f'{row.replace(" ", ",", 1)}\n' for row in rows)
    images = read_label_list(write(tmp_path, 'a.csv', cells), CLASSES)
    assert [image.labels for image in images] == expected


def test_table_of_two_classes_or_one(tmp_path: Path) -> None:
    def labels(text: str, *classes: str) -> list[tuple[int, ...]]:
        return [i.labels for i in read_label_list(write(tmp_path, 'a.txt', text), classes)]

    assert labels('a 0 1\nb 1 0\n', 'cat', 'dog') == [(1,), (0,)]
    assert labels('a 1\nb 0\n', 'cat') == [(0,), ()]
    assert labels('a 0\nb 0\n', 'cat') == [(0,), (0,)]
    assert labels('a 0 1\nb 0\n', 'cat', 'dog') == [(0, 1), (0,)]  # indices: other lengths
    assert labels('a 1 0\nb 0 1\n', '1', '0') == [(0, 1), (0, 1)]  # names
    with pytest.raises(InputError, match=r'a\.txt, line 1: .* both classes, or only the second'):
        labels('a 0 1\nb 0 1\n', 'cat', 'dog')


@pytest.mark.parametrize('title', ['label', 'Labels', 'tags', 'class'])
def test_titles_of_the_label_column(tmp_path: Path, title: str) -> None:
    text = f'id,{title}\na,"cat, dog"\nb,"potted plant,0"\n'
    images = read_label_list(write(tmp_path, 'a.csv', text), CLASSES)
    assert [image.labels for image in images] == [(0, 1), (0, 2)]


@pytest.mark.parametrize(
    ('name', 'text', 'words'),
    [
        ('a.txt', 'x 0\ny Dgo\n', ["unknown class 'Dgo'", "mean 'dog'", 'line 2', 'cat, dog']),
        ('a.txt', 'x 0\n\ny 3\n', ['line 3', 'class 3', '0..2', '0-based']),
        ('a.txt', 'x -1\n', ['line 1', 'class -1', '0..2']),
        ('a.txt', 'x 0\ny 1\nx 1\n', ["id 'x'", 'line 3', 'line 1 already']),
        ('a.txt', 'x\ny\n', ['plain list of ids', "'x 0'", "'x cat'"]),
        ('a.txt', '# nothing\n\n', ['lists no image']),
        ('a.txt', 'x 0 0 1\ny 0\n', ['line 1', "repeated in '0 0 1'", 'each of the 3 classes']),
        ('a.txt', 'x 1 0 1 1\ny 0 0 0 1\n', ['line 1', 'repeated', 'each of the 3 classes']),
        ('a.txt', f'x {"9" * 5000}\n', ['line 1', 'unknown class']),
        ('a.txt', 'my photo.jpg 0\n', ["unknown class 'photo.jpg'", 'blanks need a .csv list']),
        ('a.txt', 'cat/1.jpg\ndog/2.jpg\n', ['plain list of ids', 'use class_folders=True']),
        ('a.csv', f'id,labels\nx,{"y" * 140_000}\n', ['line 2', 'no CSV']),
        ('a.csv', '', ['header', 'id,labels']),
        ('a.csv', 'id,labels\n', ['lists no image']),
        ('a.csv', 'id,labels\nx,cat\ny,cta\n', ['line 3', "'cta'", "mean 'cat'"]),
        ('a.csv', 'id,labels\nx,cat,dog\n', ['line 2', '3 cells', 'header has 2', "by ';'"]),
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
