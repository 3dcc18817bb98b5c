"""Lists whose classes are found in them."""

import pytest

from mmdrs.datasets.label_formats import lists
from mmdrs.datasets.label_formats.labelled import ReadOptions, Source
from mmdrs.errors import InputError


@pytest.mark.parametrize(
    ('text', 'images', 'classes'),
    [
        (
            'id,labels\nmy photo.JPG,potted plant;cat\nb.png,cat\nc,\n',
            {'my photo.JPG': ('cat', 'potted plant'), 'b.png': ('cat',), 'c': ()},
            ('cat', 'potted plant'),
        ),
        # A spreadsheet of a country whose decimal separator is a comma.
        (
            '\ufefffile;tags\r\na.jpg;potted plant, cat\r\nb.jpg;dog\r\n',
            {'a.jpg': ('cat', 'potted plant'), 'b.jpg': ('dog',)},
            ('cat', 'dog', 'potted plant'),
        ),
        # Each word is a label by itself elsewhere, so the blank separates two.
        (
            'id,label\na,cat dog\nb,dog\nc,cat\nd,sea lion\n',
            {'a': ('cat', 'dog'), 'b': ('dog',), 'c': ('cat',), 'd': ('sea lion',)},
            ('cat', 'dog', 'sea lion'),
        ),
        # Of Roboflow's multi-label classification: blanks after the commas.
        (
            'filename, sea lion, cat\na.jpg, 1, 0\nb.jpg, 1, 1\nc.jpg, 0, 0\n',
            {'a.jpg': ('sea lion',), 'b.jpg': ('sea lion', 'cat'), 'c.jpg': ()},
            ('sea lion', 'cat'),
        ),
        ('id;sea lion;cat\na;1;0\n', {'a': ('sea lion',)}, ('sea lion', 'cat')),
        (
            'id,labels\na,0;2\nb,1\n',
            {'a': ('class_0', 'class_2'), 'b': ('class_1',)},
            ('class_0', 'class_1', 'class_2'),
        ),
    ],
)
def test_csv(text: str, images: dict, classes: tuple, files, detected) -> None:
    root = files({'labels.csv': text})
    assert detected(root / 'labels.csv') == ('list', (images, classes))


@pytest.mark.parametrize(
    ('text', 'images', 'count'),
    [
        ('x/a 0 2\nb\n', {'x/a': (0, 2), 'b': ()}, 3),
        ('a 0 1\nb 1 0\nc 0 0\n', {'a': (1,), 'b': (0,), 'c': ()}, 2),  # 0 or 1 for each class
        ('a 1\nb 0\n', {'a': (1,), 'b': (0,)}, 2),
    ],
)
def test_text_list_of_numbers(text: str, images: dict, count: int, files) -> None:
    source = Source(files({'a.txt': text}) / 'a.txt')
    found = lists.read(source, ReadOptions())
    assert {image.id: image.labels for image in found.images} == images
    assert len(found.classes) == count and not found.named


def test_text_list_of_names(files, detected) -> None:
    root = files({'a.txt': 'a dog cat\nb cat\n'})
    assert detected(root / 'a.txt')[1] == ({'a': ('cat', 'dog'), 'b': ('cat',)}, ('cat', 'dog'))
    assert detected(root / 'a.txt', 'dog', 'cat')[1][1] == ('dog', 'cat')


@pytest.mark.parametrize(
    ('text', 'problem'),
    [
        ('a cat\nb 1\n', r'a\.txt: has names and numbers as labels; .*--classes A B'),
        ('a\nb\n', r'a\.txt: no line has a label'),
        ('my a.jpg 0\n', r'a\.txt: has names of images after the id; .* need a \.csv list'),
        ('a 999999\n', 'label 999999'),
    ],
)
def test_lists_whose_classes_cannot_be_told(text: str, problem: str, files, detected) -> None:
    root = files({'a.txt': text})
    with pytest.raises(InputError, match=problem):
        detected(root / 'a.txt')


def test_lists_of_a_folder_are_those_that_name_its_images(files) -> None:
    root = files(
        {
            'images/a.JPG': b'',
            'images/b.jpg': b'',
            'notes.txt': 'a walk\n',
            'licence.txt': 'free for all\n',
            'prices.csv': 'id,euro\n7,3\n',
            'train.csv': 'id,labels\na.jpg,cat\n',
            'val.csv': 'id,labels\nb.jpg,dog\n',
        }
    )
    (root / 'notes.txt').write_text('about the dog\n')
    found = lists.read(Source(root), ReadOptions())
    assert {image.id for image in found.images} == {'a.jpg', 'b.jpg'}
    assert found.classes == ('cat', 'dog') and found.held_out == {'b.jpg'}
    files({'val.csv': 'id,labels\na.jpg,dog\n'})
    with pytest.raises(InputError, match=r"val\.csv: image 'a\.jpg' is in another list as well"):
        lists.read(Source(root), ReadOptions())
