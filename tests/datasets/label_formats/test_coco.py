"""COCO JSON of other programs; COCO's own is in tests/tools/test_coco_labels.py."""

import json

import pytest

from mmdrs.datasets.label_formats.detection import detect
from mmdrs.datasets.label_formats.labelled import ReadOptions, Source
from mmdrs.errors import InputError


def coco(categories: dict[str, str], images: dict[str, list[int]]) -> str:
    """Categories with their groups, numbered from 0, and the categories of each image."""
    pairs = [(i, c) for i, found in enumerate(images.values()) for c in found]
    content = {
        'info': {'year': '2024', 'version': '1', 'contributor': ''},
        'licenses': [{'id': 1, 'url': '', 'name': 'CC BY 4.0'}],
        'categories': [
            {'id': number, 'name': name, 'supercategory': group}
            for number, (name, group) in enumerate(categories.items())
        ],
        'images': [
            {'id': number, 'license': 1, 'file_name': name, 'height': 64, 'width': 64}
            for number, name in enumerate(images)
        ],
        'annotations': [
            {'id': n, 'image_id': i, 'category_id': c, 'bbox': [1, 2, 9, 9], 'area': 81}
            for n, (i, c) in enumerate(pairs)
        ],
    }
    return json.dumps(content)


CATEGORIES = {'pets-Xy1': 'none', 'potted plant': 'pets-Xy1', 'cat': 'pets-Xy1'}


def test_export_of_roboflow(files, detected) -> None:
    """A file in each part, and a category that only groups the others."""
    root = files(
        {
            'train/_annotations.coco.json': coco(CATEGORIES, {'IMG 1_jpg.rf.8a.jpg': [1, 2, 2]}),
            'train/IMG 1_jpg.rf.8a.jpg': b'',
            'valid/_annotations.coco.json': coco(CATEGORIES, {'2.jpg': [], '3.jpg': [2]}),
        }
    )
    images = {
        'train/IMG 1_jpg.rf.8a.jpg': ('potted plant', 'cat'),
        'valid/2.jpg': (),
        'valid/3.jpg': ('cat',),
    }
    assert detected(root) == ('coco', (images, ('potted plant', 'cat')))
    source = Source(root)
    found = detect(source, ReadOptions()).read(source, ReadOptions())
    assert found.held_out == {'valid/2.jpg', 'valid/3.jpg'}


def test_group_that_is_also_annotated_or_its_own(files, detected) -> None:
    """COCO's person is in the group person, and has no annotation here."""
    categories = {'person': 'person', 'animal': 'none', 'cat': 'animal'}
    root = files({'a.json': coco(categories, {'x\\1.jpg': [1]})})
    assert detected(root / 'a.json')[1] == (
        {'x/1.jpg': ('animal',)},
        ('person', 'animal', 'cat'),
    )


def test_image_in_two_files(files, detected) -> None:
    text = coco(CATEGORIES, {'1.jpg': [1]})
    root = files({'a.json': text, 'b.json': text})
    with pytest.raises(InputError, match=r"b\.json: image '1' is there already"):
        detected(root)
