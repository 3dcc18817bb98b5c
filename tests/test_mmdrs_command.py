"""The `mmdrs` command: its list, its versions, and the way to each command."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mmdrs_command
from mmdrs_command import COMMANDS, main

ROOT = Path(__file__).parents[1]


def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    code = 'import sys, mmdrs_command; mmdrs_command.main(); print([*sys.modules])'
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.run(
        [sys.executable, '-c', code, *arguments],
        capture_output=True,
        cwd=folder,
        env=environment,
        text=True,
    )


@pytest.mark.parametrize('argument', ['--help', '--version', None])
def test_list_and_versions_import_nothing_heavy(tmp_path: Path, argument: str | None) -> None:
    done = run_command(tmp_path, *([argument] if argument else []))
    *lines, modules = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert not re.search(r"'(torch|mmengine|numpy|mmdrs)'", modules)
    if argument == '--version':
        assert {line.split()[0] for line in lines} >= {'mmdrs', 'torch', 'numpy', 'python'}
    else:
        listed = [line.split()[0] for line in lines if re.match(r'  \w+  ', line)]
        assert listed == list(COMMANDS)


@pytest.mark.parametrize('name', COMMANDS)
def test_help_of_each_command_has_an_example(
    name: str, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, 'argv', ['mmdrs'])
    with pytest.raises(SystemExit) as caught:
        main([name, '--help'])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert f'usage: mmdrs {name}' in text
    assert f'\n    mmdrs {name} ' in text


def test_arguments_reach_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'argv', ['mmdrs'])
    received = []
    module = importlib.import_module(COMMANDS['report'][0])
    monkeypatch.setattr(module, 'main', received.append)
    main(['report', 'run', '--examples', '3'])
    assert received == [['run', '--examples', '3']]


def test_unknown_command(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(['reprt'])
    assert caught.value.code == 2
    assert "no command 'reprt'; did you mean 'report'?" in capsys.readouterr().err


def test_packages_that_do_not_fit_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'argv', ['mmdrs'])

    def fail(name: str) -> None:
        raise ImportError(f'{name}: two sets are installed')

    monkeypatch.setattr(mmdrs_command.importlib, 'import_module', fail)
    with pytest.raises(SystemExit) as caught:
        main(['run', 'settings.py'])
    assert caught.value.code == 'error: mmdrs.cli.run: two sets are installed'


def test_python_m() -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'mmdrs', '--version'], capture_output=True, cwd=ROOT, text=True
    )
    assert done.stdout.startswith('mmdrs '), done.stderr
