"""What is said of Python, the packages and the GPU."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mmdrs.doctor import environment
from mmdrs.doctor.environment import OLDEST, environment_findings, gpu_findings
from tests.test_dependency_sets import BOTH, add_distributions

ROOT = Path(__file__).parents[2]


def test_oldest_versions_are_those_of_the_requirements() -> None:
    texts = [(ROOT / 'requirements' / f'{n}.txt').read_text() for n in ('runtime', 'onedl')]
    texts += [(ROOT / 'requirements' / 'openmmlab.txt').read_text()]
    found = dict(re.findall(r'^([\w-]+)[>~]=([\d.]+)', '\n'.join(texts), re.MULTILINE))
    assert {name: found[name] for name in OLDEST if name in found} == {
        name: oldest for name, oldest in OLDEST.items() if name != 'mmcv'
    }


def test_this_environment_has_no_error() -> None:
    assert [f for f in environment_findings() if f.severity == 'error'] == []


def test_versions_are_compared_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = dict(torch='2.13.0+cpu', numpy='1.9.3', mmcv='2.2.0')
    monkeypatch.setattr(environment, 'version', lambda name: found.get(name, OLDEST.get(name)))
    messages = {f.where: f.message for f in environment_findings() if f.severity == 'error'}
    assert messages == dict(numpy='numpy 1.9.3 is too old', mmcv='mmcv 2.2.0 is too new')


def test_python_that_is_too_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment.sys, 'version_info', (3, 13, 0))
    (found,) = (f for f in environment_findings() if f.where == 'python')
    assert found.severity == 'error' and '3.12' in found.remedy


def test_failed_import_is_told_where_nothing_else_explains_it() -> None:
    found = environment_findings(RuntimeError('undefined symbol: abc'))
    (told,) = (f for f in found if f.severity == 'error')
    assert 'RuntimeError: undefined symbol: abc' in told.message


def fake_torch(cuda: str | None, available: bool, reason: str = '') -> SimpleNamespace:
    def init() -> None:
        raise RuntimeError(reason)

    device = SimpleNamespace(is_available=lambda: available, init=init)
    return SimpleNamespace(version=SimpleNamespace(cuda=cuda, hip=None), cuda=device)


@pytest.mark.parametrize(
    ('cuda', 'available', 'driver', 'severity', 'words'),
    [
        ('13.0', True, True, None, ''),
        (None, False, False, None, ''),
        (None, False, True, 'warning', 'built without CUDA'),
        ('13.0', False, False, 'note', 'there is no GPU'),
        ('13.0', False, True, 'warning', 'does not see the GPU: The driver is too old'),
    ],
)
def test_gpu(
    cuda: str | None, available: bool, driver: bool, severity: str | None, words: str
) -> None:
    found = gpu_findings(fake_torch(cuda, available, 'The driver is too old'), driver)
    assert [f.severity for f in found] == ([severity] if severity else [])
    assert all(words in f.message for f in found)


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    env = os.environ | {'PYTHONPATH': os.pathsep.join((str(folder), str(ROOT)))}
    command = [sys.executable, '-c', 'import mmdrs_command; mmdrs_command.main()', 'doctor']
    return subprocess.run(
        [*command, *arguments], env=env, cwd=folder, capture_output=True, text=True
    )


def test_two_sets_are_told_although_the_package_cannot_be_imported(tmp_path: Path) -> None:
    add_distributions(tmp_path, *BOTH)
    (tmp_path / 'mmengine.py').write_text('raise RuntimeError("imported")\n')
    done = doctor(tmp_path, 'settings.py')
    assert done.returncode == 1, done.stderr
    assert 'ERROR  packages: packages that mmdrs needs are installed twice' in done.stdout
    assert 'pip uninstall -y ' in done.stdout and 'were not checked' in done.stdout
    assert done.stderr == ''


def test_a_package_that_breaks_at_its_import(tmp_path: Path) -> None:
    """Not an ImportError: a mixture of versions raises anything."""
    (tmp_path / 'mmengine').mkdir()
    (tmp_path / 'mmengine' / '__init__.py').write_text('raise RuntimeError("wrong ABI")\n')
    done = doctor(tmp_path, '--json', '-')
    assert done.returncode == 1, done.stderr
    assert '"message": "`import mmdrs` fails: RuntimeError: wrong ABI"' in done.stdout
