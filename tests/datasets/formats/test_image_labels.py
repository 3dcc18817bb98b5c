"""Image-level label lists of VOC from masks, from annotations and from lists."""

from pathlib import Path

import numpy as np
import pytest
from mmseg.datasets import PascalVOCDataset

from mmdrs.datasets.formats import (
    VOC_CLASSES,
    ImageLabels,
    labels_from_list,
    labels_from_masks,
    labels_from_xml,
    read_label_list,
    write_label_list,
)
from mmdrs.errors import InputError, MissingFileError
from tests.tools.voc_archives import SIZES, TRAIN_AUG, make_voc_root, png_bytes, xml_bytes

VAL = ['v1', 'v2']


@pytest.fixture
def voc_root(tmp_path: Path) -> Path:
    """The small VOC data set, for a test to change."""
    return make_voc_root(tmp_path)


def as_dict(images: list[ImageLabels]) -> dict[str, tuple[int, ...]]:
    return {image.id: image.labels for image in images}


def test_classes_are_those_of_mmsegmentation() -> None:
    assert PascalVOCDataset.METAINFO['classes'] == VOC_CLASSES


def test_labels_are_the_values_of_the_masks(voc_root: Path) -> None:
    steps = []
    images = labels_from_masks(voc_root, TRAIN_AUG, lambda *step: steps.append(step))
    # Value 1 is class 0, and so on; 0 and 255 are no classes.
    assert as_dict(images) == {'a1': (0,), 'a2': (1,), 's1': (14,), 's2': (19,), 's3': (6,)}
    assert steps == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    mask = np.zeros(SIZES['v1'], np.uint8)
    mask[0, :3] = 20, 5, 255
    (voc_root / 'SegmentationClassAug' / 'v1.png').write_bytes(png_bytes(mask))
    assert labels_from_masks(voc_root, ['v2', 'v1']) == [
        ImageLabels('v2', (3,)),
        ImageLabels('v1', (4, 19)),
    ]


def test_labels_are_the_objects_of_the_annotations(voc_root: Path) -> None:
    assert as_dict(labels_from_xml(voc_root, TRAIN_AUG + VAL)) == {
        'a1': (0,),
        'a2': (1, 14),
        's1': (8, 14),
        's2': (19,),
        's3': (6,),
        'v1': (2,),
        'v2': (3,),
    }
    easy = as_dict(labels_from_xml(voc_root, ['s3', 'a2'], skip_difficult=True))
    assert easy == {'s3': (), 'a2': (1,)}


def test_labels_of_a_list(tmp_path: Path) -> None:
    path = tmp_path / 'drs.txt'
    path.write_text('v1 cat\ns1 14 8\na1 0\na2\n')
    assert labels_from_list(path, ['a1', 's1', 'a2']) == [
        ImageLabels('a1', (0,)),
        ImageLabels('s1', (8, 14)),
        ImageLabels('a2', ()),
    ]
    with pytest.raises(InputError, match=r'drs\.txt: lacks 2 of 3 ids:\n  s2\n  s3$'):
        labels_from_list(path, ['s2', 'a1', 's3'])


def test_labels_of_a_pickled_dict(tmp_path: Path) -> None:
    path = tmp_path / 'cls_labels.npy'
    vectors = np.eye(20, dtype=np.float32)
    np.save(path, {'a1': vectors[0], 's1': vectors[14] + vectors[2]}, allow_pickle=True)
    assert as_dict(labels_from_list(path, ['s1', 'a1'])) == {'s1': (2, 14), 'a1': (0,)}
    with pytest.raises(InputError, match=r'cls_labels\.npy: lacks 1 of 1 ids:\n  a2$'):
        labels_from_list(path, ['a2'])


def test_lists_can_be_read_again(tmp_path: Path) -> None:
    images = [ImageLabels('b', (0, 14)), ImageLabels('a', ())]
    write_label_list(tmp_path / 'lists' / 'train_cls.txt', images)
    assert (tmp_path / 'lists' / 'train_cls.txt').read_text() == 'b 0 14\na\n'
    assert read_label_list(tmp_path / 'lists' / 'train_cls.txt', VOC_CLASSES[1:]) == images


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


@pytest.mark.parametrize(
    ('name', 'data', 'problem'),
    [
        ('SegmentationClassAug/s1.png', png_bytes(np.full((3, 8), 21, np.uint8)), 'the value 21'),
        ('SegmentationClassAug/s1.png', b'broken', 'not a readable mask'),
        ('Annotations/s1.xml', b'<annotation><object>', 'is not a readable annotation'),
        ('Annotations/s1.xml', xml_bytes([('tiger', 0)]), "unknown class 'tiger'"),
        ('Annotations/s1.xml', xml_bytes([('background', 0)]), "unknown class 'background'"),
    ],
)
def test_wrong_file_is_named(voc_root: Path, name: str, data: bytes, problem: str) -> None:
    (voc_root / name).write_bytes(data)
    read = labels_from_masks if name.endswith('png') else labels_from_xml
    with pytest.raises(InputError, match=problem) as error:
        read(voc_root, TRAIN_AUG)
    assert str(error.value).startswith(f'{voc_root / name}')


def test_missing_files_are_counted(voc_root: Path) -> None:
    lines = [
        f'{voc_root}/SegmentationClassAug: 2 of 3 files are missing:',
        *(f'  {voc_root}/SegmentationClassAug/{name}.png' for name in ('x1', 'x2')),
        'Make them with tools/dataset_converters/voc12_aug.py.',
    ]
    with pytest.raises(MissingFileError) as error:
        labels_from_masks(voc_root, ['x1', 'a1', 'x2'])
    assert str(error.value).splitlines() == lines
    message = r'Annotations: 1 of 1 files .*:\n .*/a1\.xml\nThey are in VOCtrainval'
    with pytest.raises(MissingFileError, match=message):
        labels_from_xml(voc_root.parent, ['a1'])
