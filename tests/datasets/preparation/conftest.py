"""The small VOC data set that is made of the small archives."""

from pathlib import Path

import pytest

from mmdrs.datasets.preparation.voc_aug import prepare_voc_aug
from tests.datasets.preparation.voc_archives import write_archives


@pytest.fixture
def voc_root(tmp_path: Path) -> Path:
    """``VOC2012`` of the archives in :mod:`voc_archives`, for a test to change."""
    folder = tmp_path / 'archives'
    folder.mkdir()
    return prepare_voc_aug(*write_archives(folder)[:2], tmp_path, expected=5).root
