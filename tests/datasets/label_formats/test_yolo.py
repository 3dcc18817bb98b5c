"""YOLO text files of Roboflow, Ultralytics, LabelImg and CVAT."""

import pytest

from mmdrs.errors import InputError

BOX = '0.5 0.5 0.25 0.25'
#: As Roboflow writes it.
DATA = """train: ../train/images
val: ../valid/images
test: ../test/images

nc: 2
names: ['cat', 'potted plant']

roboflow:
  workspace: me
  project: pets
  version: 1
"""


def test_export_of_roboflow(files, detected) -> None:
    root = files(
        {
            'data.yaml': DATA,
            'README.roboflow.txt': 'pets\n',
            'train/images/IMG 1_jpg.rf.8a.jpg': b'',
            'train/labels/IMG 1_jpg.rf.8a.txt': f'1 {BOX}\n0 {BOX}\n1 0.1 0.1 0.2 0.2 0.3 0.1\n',
            'valid/images/2.png': b'',
            'valid/labels/2.txt': '',
            'valid/images/3.jpg': b'',
        }
    )
    images = {
        'train/images/IMG 1_jpg.rf.8a.jpg': ('cat', 'potted plant'),
        'valid/images/2.png': (),
        'valid/images/3.jpg': (),
    }
    assert detected(root) == ('yolo', (images, ('cat', 'potted plant')))
    assert detected(root, 'potted plant', 'cat')[1] == (
        {**images, 'train/images/IMG 1_jpg.rf.8a.jpg': ('potted plant', 'cat')},
        ('potted plant', 'cat'),
    )


def test_layout_and_names_of_ultralytics(files, detected) -> None:
    root = files(
        {
            'data.yaml': 'path: .\ntrain: images/train\nnames:\n  0: cat\n  1: potted plant\n',
            'images/train/1.jpg': b'',
            'labels/train/1.txt': f'1 {BOX}',
            'images/val/1.jpg': b'',
            'labels/val/1.txt': f'0 {BOX}',
        }
    )
    assert detected(root)[1][0] == {
        'images/train/1.jpg': ('potted plant',),
        'images/val/1.jpg': ('cat',),
    }


@pytest.mark.parametrize('names', ['classes.txt', 'obj.names'])
def test_text_files_beside_the_images(names: str, files, detected) -> None:
    """Of LabelImg, and of CVAT's YOLO 1.1 in obj_train_data."""
    root = files(
        {
            names: 'cat\npotted plant\n',
            'obj_train_data/1.JPG': b'',
            'obj_train_data/1.txt': f'1 {BOX}\n',
        }
    )
    assert detected(root) == (
        'yolo',
        ({'obj_train_data/1.JPG': ('potted plant',)}, ('cat', 'potted plant')),
    )


@pytest.mark.parametrize(
    ('name', 'text', 'problem'),
    [
        ('labels/1.txt', f'0 {BOX}\n2 {BOX}\n', r"1\.txt, line 2: begins with '2', not .* 0\.\.1"),
        ('labels/1.txt', f'cat {BOX}\n', "line 1: begins with 'cat'"),
        ('data.yaml', 'names: {0: cat, 2: dog}\n', r'data\.yaml: `names` must list the classes'),
        ('data.yaml', 'nc: 2\n', r'data\.yaml: `names` must list'),
        ('data.yaml', 'names: &a [*a]\n', r'data\.yaml is not a readable YOLO data file'),
    ],
)
def test_wrong_files(name: str, text: str, problem: str, files, detected) -> None:
    root = files({'data.yaml': DATA, 'images/1.jpg': b'', 'labels/1.txt': '', name: text})
    with pytest.raises(InputError, match=problem):
        detected(root)
