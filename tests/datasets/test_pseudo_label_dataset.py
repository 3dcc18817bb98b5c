"""Checks and loading of label PNGs."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from mmseg.registry import DATASETS
from PIL import Image

from mmdrs.datasets import PseudoLabelDataset, VOCPseudoLabelDataset
from mmdrs.pseudo_labels.palette import voc_palette

METAINFO = {'classes': ('background', 'disc', 'bar', 'cross')}
PREFIX = {'img_path': 'JPEGImages', 'seg_map_path': 'SegmentationClass'}


@pytest.fixture
def labels(tiny_voc: Path, tmp_path: Path) -> Path:
    """A copy of the label folder that a test may damage."""
    return Path(shutil.copytree(tiny_voc / 'SegmentationClass', tmp_path / 'labels'))


def build(tiny_voc: Path, labels: Path, **kwargs) -> PseudoLabelDataset:
    return PseudoLabelDataset(
        ann_file='ImageSets/Segmentation/train_cls.txt',
        data_root=str(tiny_voc),
        data_prefix={'img_path': 'JPEGImages', 'seg_map_path': str(labels)},
        metainfo=METAINFO,
        **kwargs,
    )


@pytest.mark.parametrize('name', ['train.txt', 'train_cls.txt'])
@pytest.mark.usefixtures('mmseg_scope')
def test_loads_labels_as_they_are_written(tiny_voc: Path, tmp_path: Path, name: str) -> None:
    palette_png = shutil.copytree(tiny_voc / 'SegmentationClass', tmp_path / 'labels')
    with Image.open(palette_png / 'img_1.png') as mask:
        mask.putpalette(np.ravel(voc_palette(256)).tolist())
        mask.save(palette_png / 'img_1.png')
    dataset = DATASETS.build(
        {
            'type': 'PseudoLabelDataset',
            'ann_file': f'ImageSets/Segmentation/{name}',
            'data_root': str(tiny_voc),
            'data_prefix': {'img_path': 'JPEGImages', 'seg_map_path': str(palette_png)},
            'metainfo': METAINFO,
            'pipeline': [{'type': 'LoadImageFromFile'}, {'type': 'LoadAnnotations'}],
        }
    )
    assert len(dataset) == 6
    label = dataset[1]['gt_seg_map']
    expected = np.zeros((40, 48), np.uint8)
    expected[8:32, 4:20], expected[8:32, 28:44], expected[0] = 2, 3, 255
    np.testing.assert_array_equal(label, expected)
    assert 'img_label' not in dataset[1]


def test_missing_label(tiny_voc: Path, labels: Path) -> None:
    (labels / 'img_2.png').unlink()
    with pytest.raises(FileNotFoundError) as error:
        build(tiny_voc, labels)
    assert str(error.value).splitlines() == [
        'data_prefix.seg_map_path: 1 of 6 files are missing:',
        f'  {labels / "img_2.png"}',
        'Run the pseudo-label stage for this list, or correct data_prefix.seg_map_path.',
    ]
    assert len(build(tiny_voc, labels, check_files=False, check_sizes=False)) == 6


def test_wrong_size_or_mode(tiny_voc: Path, labels: Path) -> None:
    Image.new('L', (40, 48)).save(labels / 'img_0.png')
    Image.new('RGB', (48, 40)).save(labels / 'img_5.png')
    with pytest.raises(ValueError) as error:
        build(tiny_voc, labels)
    message = str(error.value)
    assert 'data_prefix.seg_map_path: 2 wrong files' in message
    assert 'img_0.png is 40 x 48' in message
    assert 'img_5.png is a RGB picture' in message


def test_label_folder_is_required(tiny_voc: Path) -> None:
    with pytest.raises(ValueError, match='data_prefix.seg_map_path is required'):
        PseudoLabelDataset(
            ann_file='x.txt', data_prefix={'img_path': 'JPEGImages'}, metainfo=METAINFO
        )


def test_empty_split(tiny_voc: Path, tmp_path: Path) -> None:
    empty = tmp_path / 'empty.txt'
    empty.touch()
    with pytest.raises(ValueError, match=r'empty\.txt: empty, it lists no image'):
        PseudoLabelDataset(str(empty), PREFIX, METAINFO, data_root=str(tiny_voc))


def test_voc(tiny_voc: Path) -> None:
    dataset = VOCPseudoLabelDataset(
        'ImageSets/Segmentation/train.txt', PREFIX, data_root=str(tiny_voc), test_mode=True
    )
    assert dataset.metainfo['classes'][20] == 'tvmonitor'
    assert dataset.metainfo['palette'] == voc_palette(21)
    assert dataset.get_data_info(3)['seg_map_path'].endswith('img_3.png')


def test_image_labels_on_demand(tiny_voc: Path, labels: Path) -> None:
    """Odd images hold two classes, even ones one: see the tiny data set."""
    dataset = build(tiny_voc, labels, image_labels=True)
    assert dataset.get_data_info(1)['img_label'].tolist() == [0, 1, 1]
    assert dataset.get_data_info(2)['img_label'].tolist() == [0, 0, 1]
    assert 'img_label' not in build(tiny_voc, labels).get_data_info(1)
