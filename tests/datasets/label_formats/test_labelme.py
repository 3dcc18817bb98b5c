"""LabelMe's JSON files."""

import json

import pytest

from mmdrs.errors import InputError


def labelme(image: str, *labels: str, **flags: bool) -> str:
    """As LabelMe 5 writes it."""
    shapes = [
        {
            'label': label,
            'points': [[10.5, 20.0], [30.0, 40.25], [50.0, 20.0]],
            'group_id': None,
            'description': '',
            'shape_type': 'polygon',
            'flags': {},
            'mask': None,
        }
        for label in labels
    ]
    content = {
        'version': '5.5.0',
        'flags': flags,
        'shapes': shapes,
        'imagePath': image,
        'imageData': 'iVBORw0KGgo=',
        'imageHeight': 480,
        'imageWidth': 640,
    }
    return json.dumps(content, indent=2)


def test_shapes_and_flags(files, detected) -> None:
    root = files(
        {
            'day one/IMG 1.json': labelme('IMG 1.JPG', 'potted plant', 'cat', '__ignore__'),
            'day one/2.json': labelme('..\\photos\\2.jpg', dog=True, cat=False),
            '3.json': labelme('D:\\pets\\3.png'),
            '4.json': labelme('../elsewhere/4.jpg', 'dog'),
            'notes.json': '{"a": 1}',
        }
    )
    images = {
        '3.png': (),
        '4.jpg': ('dog',),
        'day one/IMG 1.JPG': ('cat', 'potted plant'),
        'photos/2.jpg': ('dog',),
    }
    name, (found, classes) = detected(root)
    assert (name, classes) == ('labelme', ('cat', 'dog', 'potted plant'))
    assert found == images
    files({'labels.txt': '__ignore__\n_background_\npotted plant\ndog\ncat\n'})
    assert detected(root)[1][1] == ('potted plant', 'dog', 'cat')
    files({'labels.txt': 'dog\n'})  # does not have all
    assert detected(root)[1][1] == classes


@pytest.mark.parametrize(
    ('change', 'problem'),
    [
        ({'shapes': [{}]}, "shape 0: no 'label'"),
        ({'shapes': {}}, "no 'shapes'"),
        ({'imagePath': None}, "no 'imagePath'"),
        ({'flags': ['cat']}, 'flags must be an object'),
    ],
)
def test_other_entries(change: dict, problem: str, files, detected) -> None:
    content = {**json.loads(labelme('1.jpg', 'cat')), **change}
    root = files({'1.json': json.dumps(content)})
    with pytest.raises(InputError, match=rf'1\.json.*{problem}'):
        detected(root)


def test_damaged_file(files, detected) -> None:
    root = files({'1.json': labelme('1.jpg', 'cat')[:-9]})
    with pytest.raises(InputError, match=r'1\.json is not a readable LabelMe file'):
        detected(root)
