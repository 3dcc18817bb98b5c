"""Image labels from COCO's instances annotations."""

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mmdrs.datasets import ImageLabels
from mmdrs.errors import InputError, MissingFileError
from tests.pipeline_runs import load_tool

coco_image_labels = load_tool('dataset_converters/coco_image_labels').coco_image_labels

# Ids of COCO's categories are not in order and have gaps: cat 17 is class 2 of these three.
INSTANCES = {
    'info': {},
    'images': [
        {'id': 30, 'file_name': 'COCO_train2014_000000000030.jpg'},
        {'id': 9, 'file_name': 'COCO_train2014_000000000009.jpg'},
        {'id': 12, 'file_name': 'COCO_train2014_000000000012.jpg'},
    ],
    'annotations': [
        {'id': 1, 'image_id': 9, 'category_id': 17, 'area': 50.0, 'iscrowd': 0},
        {'id': 2, 'image_id': 9, 'category_id': 1, 'area': 9.5, 'iscrowd': 0},
        {'id': 3, 'image_id': 9, 'category_id': 17, 'area': 5.0, 'iscrowd': 0},
        {'id': 4, 'image_id': 30, 'category_id': 3, 'area': 80.0, 'iscrowd': 1},
    ],
    'categories': [
        {'id': 17, 'name': 'cat'},
        {'id': 1, 'name': 'person'},
        {'id': 3, 'name': 'traffic light'},
    ],
}
IMAGES = [f'COCO_train2014_0000000000{number}' for number in ('30', '09', '12')]


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def labels_of(images: list[ImageLabels]) -> list[tuple[int, ...]]:
    return [image.labels for image in images]


def test_classes_are_in_the_order_of_their_ids(tmp_path: Path) -> None:
    images, classes = coco_image_labels([write(tmp_path / 'a.json', INSTANCES)])
    assert classes == ['background', 'person', 'traffic light', 'cat']
    assert [image.id for image in images] == IMAGES
    assert labels_of(images) == [(1,), (0, 2), ()]


def test_small_and_crowd_annotations(tmp_path: Path) -> None:
    path = write(tmp_path / 'a.json', INSTANCES)
    assert labels_of(coco_image_labels([path], min_area=9.5)[0]) == [(1,), (0, 2), ()]
    assert labels_of(coco_image_labels([path], min_area=10)[0]) == [(1,), (2,), ()]
    assert labels_of(coco_image_labels([path], skip_crowd=True)[0]) == [(), (0, 2), ()]


def test_several_files(tmp_path: Path) -> None:
    first = write(tmp_path / 'a.json', INSTANCES)
    other = copy.deepcopy(INSTANCES)
    for image in other['images']:
        image['file_name'] = f'{image["id"]:012d}.jpg'
    second = write(tmp_path / 'b.json', other)
    images, _ = coco_image_labels([first, second])
    assert [image.id for image in images[3:]] == ['000000000030', '000000000009', '000000000012']
    assert labels_of(images[3:]) == labels_of(images[:3])
    with pytest.raises(InputError, match=f"a.json: image '{IMAGES[0]}' is there already"):
        coco_image_labels([first, first])
    other['categories'][0]['name'] = 'dog'
    with pytest.raises(InputError, match=r'b\.json: has other categories than .*a\.json'):
        coco_image_labels([first, write(second, other)])


def change(key: str, **values: object) -> Callable[[dict], None]:
    """Change the last entry of a list; None removes a field."""

    def apply(content: dict) -> None:
        entry = content[key][-1]
        entry.update(values)
        for name in [name for name, value in values.items() if value is None]:
            del entry[name]

    return apply


@pytest.mark.parametrize(
    ('apply', 'problem'),
    [
        (change('annotations', image_id=31), 'annotation 4: unknown image 31'),
        (change('annotations', category_id=2), 'annotation 4: unknown category 2'),
        (change('annotations', image_id=[9]), r'annotation 4: unknown image \[9\]'),
        (change('annotations', area='8'), "annotation 4: area '8'; expected instances"),
        (change('annotations', category_id=None), "annotation 4: has no 'category_id'; expected"),
        (change('annotations', id=None), r"annotation no\. 3: has no 'id'"),
        (change('annotations', area=None), "annotation 4: has no 'area'"),
        (change('images', file_name=None), r"images no\. 2: has no 'file_name'"),
        (change('images', file_name=3), r'images no\. 2: id 12 with file_name 3; expected'),
        (change('images', id=9), r'images no\. 2: id 9 is there already'),
        (lambda content: content.pop('categories'), "holds no list 'categories'; expected inst"),
        (lambda content: content.update(images={}), "holds no list 'images'; expected instances"),
        (lambda content: content['images'].append(3), r"images no\. 3: has no 'id'"),
    ],
)
def test_wrong_content(tmp_path: Path, apply: Callable[[dict], None], problem: str) -> None:
    content = copy.deepcopy(INSTANCES)
    apply(content)
    with pytest.raises(InputError, match=problem) as error:
        coco_image_labels([write(tmp_path / 'a.json', content)], min_area=1)
    assert str(error.value).startswith(str(tmp_path / 'a.json'))


def test_no_whole_json_file(tmp_path: Path) -> None:
    path = write(tmp_path / 'a.json', INSTANCES)
    for data in (path.read_bytes()[:300], b'', b'\xff\xfe\xff'):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r'a\.json: not a JSON file, or cut off'):
            coco_image_labels([path])
    with pytest.raises(InputError, match="holds no list 'images'"):
        coco_image_labels([write(path, [1])])
    with pytest.raises(MissingFileError, match=r'b\.json: no such file; expected instances'):
        coco_image_labels([tmp_path / 'b.json'])
