"""COCO's JSON against counting of the pixels."""

import json
from pathlib import Path

import numpy as np

from mmdrs.reporting.export.coco import write_coco
from tests.pseudo_labels.test_rle import decode
from tests.reporting.export.labels import CLASSES, LABELS, drawn, labelled


def exported(folder: Path, labels: dict, classes: tuple[str, ...] = CLASSES) -> dict:
    path = folder / 'masks.json'
    count = write_coco(path, labelled(labels, classes))
    content = json.loads(path.read_text())
    assert count == len(content['annotations'])
    return content


def test_by_hand(tmp_path: Path) -> None:
    label = drawn((1, 5, 12, 3, 9), (2, 19, 20, 0, 24), (255, 5, 6, 3, 9))
    content = exported(tmp_path, {'sub/a': np.zeros((4, 6), np.uint8), 'b': label})
    assert content['images'] == [
        dict(id=1, file_name='sub/a.jpg', width=6, height=4),
        dict(id=2, file_name='b.jpg', width=24, height=20),
    ]
    found = [(c['id'], c['name']) for c in content['categories']]
    assert found == [(1, 'disc'), (2, 'bar'), (3, 'cross')]
    first, second = content['annotations']
    # The row that is ignored is no part of the disc: six rows of six pixels.
    assert (first['area'], first['bbox']) == (36, [3, 6, 6, 6])
    assert (second['area'], second['bbox']) == (24, [0, 19, 24, 1])
    assert [first['id'], second['id']] == [1, 2]
    assert {first['image_id'], second['image_id']} == {2}
    assert {first['iscrowd'], second['iscrowd']} == {0}


def test_masks_give_the_labels_back(tmp_path: Path) -> None:
    content = exported(tmp_path, LABELS)
    names = {image['id']: Path(image['file_name']).stem for image in content['images']}
    painted = {name: np.zeros_like(label) for name, label in LABELS.items()}
    for annotation in content['annotations']:
        mask = decode(annotation['segmentation'])
        rows, columns = np.nonzero(mask)
        left, top, width, height = annotation['bbox']
        assert annotation['area'] == len(rows)
        assert (left, left + width - 1) == (columns.min(), columns.max())
        assert (top, top + height - 1) == (rows.min(), rows.max())
        painted[names[annotation['image_id']]][mask] += annotation['category_id']
    for name, label in LABELS.items():
        np.testing.assert_array_equal(painted[name], np.where(label == 255, 0, label), name)
    ids = [annotation['id'] for annotation in content['annotations']]
    assert ids == [*range(1, len(ids) + 1)]


def test_classes_without_background(tmp_path: Path) -> None:
    """Class 0 is then a class as the others, with its index as id."""
    content = exported(tmp_path, {'a': LABELS['blob']}, ('sky', 'disc', 'bar', 'cross'))
    assert [category['id'] for category in content['categories']] == [0, 1, 2, 3]
    areas = {found['category_id']: found['area'] for found in content['annotations']}
    assert areas == {0: 20 * 24 - 42, 1: 42}
