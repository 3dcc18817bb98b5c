"""What importing mmdrs says where no set, or more than one, is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmdrs import dependency_sets
from mmdrs.dependency_sets import check_dependency_sets

ROOT = Path(__file__).parents[1]
BOTH = ('onedl-mmsegmentation', 'onedl-mmengine', 'mmsegmentation', 'mmengine')


def add_distributions(folder: Path, *names: str) -> None:
    """Make ``folder`` look as if these distributions had been installed into it."""
    for name in names:
        info = folder / f'{name.replace("-", "_")}-1.0.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n')


def test_one_set_is_accepted() -> None:
    check_dependency_sets()


def test_two_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_distributions(tmp_path, *BOTH)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError) as caught:
        check_dependency_sets()
    message = str(caught.value)
    assert "'mmengine' (onedl-mmengine, mmengine)" in message
    assert "'mmseg' (onedl-mmsegmentation, mmsegmentation)" in message
    (remove,) = (line for line in message.splitlines() if 'pip uninstall -y ' in line)
    assert {*BOTH} <= {*remove.split()}
    assert 'pip install onedl-mmsegmentation onedl-mmcv onedl-mmengine\n' in message
    assert 'pip install mmsegmentation==1.2.2 mmcv-lite==2.1.0 mmengine==0.10.7' in message


def test_mmcv_with_and_without_operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_distributions(tmp_path, 'mmcv', 'mmcv-lite')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"'mmcv' \((onedl-mmcv, )?mmcv, mmcv-lite\)"):
        check_dependency_sets()


def test_no_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependency_sets, 'find_spec', lambda name: None)
    with pytest.raises(ModuleNotFoundError, match='needs mmseg, mmcv, mmengine. Install one'):
        check_dependency_sets()


def test_importing_mmdrs_checks_the_sets(tmp_path: Path) -> None:
    add_distributions(tmp_path, *BOTH)
    # A mixture may not be importable: the check comes first.
    (tmp_path / 'mmengine.py').write_text('raise RuntimeError("imported")\n')
    env = os.environ | {'PYTHONPATH': os.pathsep.join((str(tmp_path), str(ROOT)))}
    command = [sys.executable, '-c', 'import mmdrs']
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert 'ImportError: packages that mmdrs needs are installed twice' in done.stderr
