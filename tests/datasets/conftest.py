"""Fixtures of the dataset tests."""

from pathlib import Path

import pytest

CLASSES = ('background', 'disc', 'bar', 'cross')


@pytest.fixture
def image_label_cfg(tiny_voc: Path) -> dict:
    """Arguments of an ``ImageLabelDataset`` of the six tiny images."""
    return {
        'data_root': str(tiny_voc),
        'ann_file': 'ImageSets/Segmentation/train_cls.txt',
        'data_prefix': {'img_path': 'JPEGImages'},
        'metainfo': {'classes': CLASSES},
    }
