"""What a training starts from."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from torch import nn

from mmdrs.apis import MissingFileError, train, train_model
from mmdrs.apis.checkpoint import is_whole, latest_checkpoint


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list:
    """Collects (checkpoint, resumed, purpose of the check) of trainings, which do not run."""
    calls = []

    def build(cfg: Config) -> SimpleNamespace:
        calls.append([cfg.get('load_from'), bool(cfg.get('resume')), None])
        loops = dict.fromkeys(['_train_loop', '_val_loop', '_test_loop', 'val_loop'])
        return SimpleNamespace(model=nn.Module(), train=lambda: None, **loops)

    def check(model: nn.Module, path: str, purpose: str) -> None:
        calls[-1][2] = purpose

    monkeypatch.setattr(train, 'build_runner', build)
    monkeypatch.setattr(train, 'check_checkpoint', check)
    return calls


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, str]:
    """A work directory whose training was interrupted, its checkpoint, and an initial one."""
    work_dir = tmp_path / 'work'
    work_dir.mkdir()
    torch.save({}, work_dir / 'iter_2.pth')
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


def interrupted(folder: Path, pointer: str | None = 'iter_20.pth') -> None:
    """A work directory with two whole checkpoints, and one that was cut when it was written."""
    for number in (2, 10, 20):
        torch.save(dict(state_dict=dict(a=torch.ones(50))), folder / f'iter_{number}.pth')
    content = (folder / 'iter_20.pth').read_bytes()
    (folder / 'iter_20.pth').write_bytes(content[: len(content) // 2])
    torch.save({}, folder / 'pretrained.pth')
    if pointer is not None:
        (folder / 'last_checkpoint').write_text(pointer)


@pytest.mark.parametrize('pointer', [None, '', 'iter_20.pth', 'iter_3.pth', '/gone/iter_20.pth'])
def test_the_newest_whole_checkpoint(
    pointer: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a kill: half a file, an empty pointer, or a pointer to a file that is gone."""
    interrupted(tmp_path, pointer)
    with caplog.at_level('ERROR'):
        assert latest_checkpoint(tmp_path) == str(tmp_path / 'iter_10.pth')
    assert is_whole(tmp_path / 'iter_10.pth') and not is_whole(tmp_path / 'iter_20.pth')


def test_an_interrupted_training_starts_anew_only_without_any(
    started: list, tmp_path: Path, files: tuple[str, str, str]
) -> None:
    interrupted(tmp_path, '')
    cfg = Config(dict(work_dir=str(tmp_path), load_from=files[2]))
    train_model(cfg, resume=True)
    for file in tmp_path.glob('iter_*.pth'):
        file.write_bytes(b'')
    cfg = Config(dict(work_dir=str(tmp_path), load_from=files[2]))
    train_model(cfg, resume=True)
    newest = str(tmp_path / 'iter_10.pth')
    assert started == [[newest, True, 'resume'], [files[2], False, 'finetune']]
