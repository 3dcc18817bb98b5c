"""Fixtures of the dataset tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mmengine.registry import DefaultScope

CLASSES = ('background', 'disc', 'bar', 'cross')


@pytest.fixture
def mmseg_scope() -> Iterator[None]:
    """Resolve bare names as a Runner with ``default_scope='mmseg'`` does."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture
def image_label_cfg(tiny_voc: Path) -> dict:
    """Arguments of an ``ImageLabelDataset`` of the six tiny images."""
    return {
        'data_root': str(tiny_voc),
        'ann_file': 'ImageSets/Segmentation/train_cls.txt',
        'data_prefix': {'img_path': 'JPEGImages'},
        'metainfo': {'classes': CLASSES},
    }
