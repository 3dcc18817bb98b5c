"""What a training starts from."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmdrs.apis import MissingFileError, train, train_model


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list:
    """Collects (checkpoint, resumed, purpose of the check) of trainings, which do not run."""
    calls = []

    def build(cfg: Config) -> SimpleNamespace:
        calls.append([cfg.get('load_from'), bool(cfg.get('resume')), None])
        return SimpleNamespace(model=None, train=lambda: None)

    def check(model: None, path: str, purpose: str) -> None:
        calls[-1][2] = purpose

    monkeypatch.setattr(train, 'build_runner', build)
    monkeypatch.setattr(train, 'check_checkpoint', check)
    monkeypatch.setattr(train, 'release_loaders', lambda runner: None)
    return calls


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """A work directory whose training was interrupted, its checkpoint, and an initial one."""
    work_dir = tmp_path / 'work'
    work_dir.mkdir()
    (work_dir / 'iter_2.pth').touch()
    # As MMEngine writes it: with the path that the directory had then.
    (work_dir / 'last_checkpoint').write_text('/somewhere/else/iter_2.pth')
    initial = tmp_path / 'initial.pth'
    initial.touch()
    return str(work_dir), str(work_dir / 'iter_2.pth'), str(initial)


def test_starts(started: list, files: tuple[str, str, str]) -> None:
    work_dir, latest, initial = files
    train_model(Config(dict(work_dir=work_dir)))
    train_model(Config(dict(work_dir=work_dir, load_from=initial)))
    assert started == [[None, False, None], [initial, False, 'finetune']]


def test_resume_goes_before_load_from(started: list, files: tuple[str, str, str]) -> None:
    work_dir, latest, initial = files
    train_model(Config(dict(work_dir=work_dir)), resume=True)
    train_model(Config(dict(work_dir=work_dir, resume=True)))
    train_model(Config(dict(work_dir=work_dir, load_from=initial)), resume=True)
    assert started == [[latest, True, 'resume']] * 3


def test_resume_from_a_named_checkpoint(started: list, files: tuple[str, str, str]) -> None:
    work_dir, _, initial = files
    train_model(Config(dict(work_dir=work_dir)), resume=True, resume_from=initial)
    assert started == [[initial, True, 'resume']]


def test_resume_without_anything_done(
    started: list, files: tuple[str, str, str], tmp_path: Path
) -> None:
    train_model(Config(dict(work_dir=str(tmp_path / 'new'), load_from=files[2])), resume=True)
    assert started == [[files[2], False, 'finetune']]


def test_missing_checkpoint_stops_before_building(started: list, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match='gone'):
        train_model(Config(dict(work_dir=str(tmp_path), load_from=str(tmp_path / 'gone.pth'))))
    assert started == []
