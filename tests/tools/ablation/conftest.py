"""A finished ablation, shared by the tests of this folder."""

import shutil
from pathlib import Path

import pytest

from tests.tools.ablation.runs import ablate


@pytest.fixture(scope='package')
def done(tmp_path_factory: pytest.TempPathFactory, tiny_voc: Path) -> Path:
    """Work directory of a finished ablation. Tests must not change it."""
    work_dir = tmp_path_factory.mktemp('ablation')
    ablate(tiny_voc, work_dir)
    return work_dir


@pytest.fixture
def copied(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / 'copied', symlinks=True))
