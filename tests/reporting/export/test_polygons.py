"""LabelMe's polygons, painted in the order of the file, are the label."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmdrs.reporting.export.polygons import BACKGROUND, IGNORED, write_polygons
from tests.reporting.export.labels import CLASSES, LABELS, labelled

VALUES = {BACKGROUND: 0, IGNORED: 255, 'sky': 0, 'disc': 1, 'bar': 2, 'cross': 3}


def exported(folder: Path, label: np.ndarray, classes: tuple[str, ...] = CLASSES) -> dict:
    count = write_polygons(folder, labelled({'a': label}, classes))
    content = json.loads((folder / 'a.json').read_text())
    assert count == len(content['shapes'])
    return content


def painted(content: dict) -> np.ndarray:
    """The polygons by OpenCV, with their edges."""
    label = np.zeros((content['imageHeight'], content['imageWidth']), np.uint8)
    for shape in content['shapes']:
        cv2.fillPoly(label, [np.array(shape['points'], np.int32)], VALUES[shape['label']])
    return label


def painted_by_labelme(content: dict) -> np.ndarray:
    """As shape_to_mask of LabelMe does: PIL's polygon with outline and filling."""
    label = np.zeros((content['imageHeight'], content['imageWidth']), np.uint8)
    for shape in content['shapes']:
        mask = Image.new('1', label.shape[::-1])
        points = [tuple(point) for point in shape['points']]
        ImageDraw.Draw(mask).polygon(points, outline=1, fill=1)
        label[np.array(mask)] = VALUES[shape['label']]
    return label


@pytest.mark.parametrize('paint', [painted, painted_by_labelme])
@pytest.mark.parametrize('name', list(LABELS))
def test_painted_polygons_are_the_label(name: str, paint: object, tmp_path: Path) -> None:
    """To the pixel, borders included."""
    np.testing.assert_array_equal(paint(exported(tmp_path, LABELS[name])), LABELS[name])


def test_random_labels(tmp_path: Path) -> None:
    """Of regions of all sizes: noise that is blurred."""
    rng = np.random.default_rng(1)
    for blur in (1, 3, 5, 9):
        noise = rng.random((5, 60, 70)).astype(np.float32)
        best = np.argmax([cv2.blur(layer, (blur, blur)) for layer in noise], axis=0)
        label = np.array([0, 1, 2, 3, 255], np.uint8)[best]
        content = exported(tmp_path, label)
        np.testing.assert_array_equal(painted(content), label)
        np.testing.assert_array_equal(painted_by_labelme(content), label)


def test_what_is_in_a_hole_follows(tmp_path: Path) -> None:
    shapes = exported(tmp_path, LABELS['object in the hole'])['shapes']
    assert [shape['label'] for shape in shapes] == ['disc', BACKGROUND, 'cross']
    corners = [[9, 8], [9, 11], [14, 11], [14, 8]]
    assert sorted(shapes[2]['points']) == sorted(corners)


def test_background_around_is_no_polygon(tmp_path: Path) -> None:
    assert exported(tmp_path, LABELS['empty'])['shapes'] == []
    assert len(exported(tmp_path, LABELS['blob'])['shapes']) == 1


def test_class_0_of_classes_without_background(tmp_path: Path) -> None:
    content = exported(tmp_path, LABELS['blob'], ('sky', 'disc', 'bar', 'cross'))
    assert [shape['label'] for shape in content['shapes']] == ['sky', 'disc']


def test_points_and_image_as_labelme_wants_them(tmp_path: Path) -> None:
    """At least three points a polygon; the image is found from the folder of the JSON."""
    content = exported(tmp_path, LABELS['one pixel'])
    assert all(len(shape['points']) >= 3 for shape in content['shapes'])
    assert {shape['shape_type'] for shape in content['shapes']} == {'polygon'}
    assert (tmp_path / content['imagePath']).resolve() == Path('photos/a.jpg').resolve()
    assert content['imageData'] is None
