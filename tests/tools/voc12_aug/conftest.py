"""Small archives, and the data set that is made of them."""

from pathlib import Path

import pytest

from tests.tools.voc12_aug.preparing import prepare
from tests.tools.voc_archives import (
    TRAIN_AUG,
    write_archives,
)


@pytest.fixture(scope='session')
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    return write_archives(tmp_path_factory.mktemp('archives'))


@pytest.fixture(scope='session')
def made(archives: tuple[Path, Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set of an undisturbed run. Tests must not change it."""
    out = tmp_path_factory.mktemp('made')
    assert prepare(*archives[:2], out) == (TRAIN_AUG, True)
    assert [path.name for path in out.iterdir()] == ['VOC2012']
    return out / 'VOC2012'
