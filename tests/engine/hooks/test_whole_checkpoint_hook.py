"""Checkpoints are whole or not there, whenever a training is killed."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from mmdrs import apis
from mmdrs.apis.checkpoint import is_whole, latest_checkpoint
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')


class KilledError(BaseException):
    """A kill signal; nothing of the training catches it."""


@pytest.fixture
def killed_at(tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Train for three iterations, and stop at the n-th renaming of a file."""
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))

    def run(count: int, **hook: object) -> list[str]:
        options = {
            'train_cfg.max_iters': 3,
            'train_cfg.val_interval': 1,
            'default_hooks.checkpoint': dict(
                _delete_=True, type='CheckpointHook', by_epoch=False, interval=1, **hook
            ),
        }
        cfg = apis.load_config(TINY, options, str(tmp_path))
        cfg.experiment_name = f'{tmp_path.name}_{count}'
        renamed = []
        replace = Path.replace

        def counted(self: Path, target: Path) -> Path:
            renamed.append(Path(target).name)
            if len(renamed) == count:
                raise KilledError
            return replace(self, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, 'replace', counted)
            with suppress(KilledError):
                apis.train_model(cfg)
        return renamed

    return run


@pytest.mark.parametrize('count', [3, 4, 5])
def test_one_that_is_there_is_whole(killed_at, count: int, tmp_path: Path) -> None:
    """KilledError as the second checkpoint, its pointer, or the third checkpoint is written."""
    renamed = killed_at(count, max_keep_ckpts=1)
    assert renamed[:2] == ['iter_1.pth', 'last_checkpoint']
    files = list(tmp_path.glob('*.pth'))
    assert files and all(map(is_whole, files))
    newest = {3: 'iter_1.pth', 4: 'iter_1.pth', 5: 'iter_2.pth'}[count]
    assert latest_checkpoint(tmp_path) == str(tmp_path / newest)


def test_outdated_ones_are_removed(killed_at, tmp_path: Path) -> None:
    killed_at(0, max_keep_ckpts=2)
    assert sorted(path.name for path in tmp_path.glob('*.pth')) == ['iter_2.pth', 'iter_3.pth']
    assert (tmp_path / 'last_checkpoint').read_text() == os.fspath(tmp_path / 'iter_3.pth')


def test_the_best_is_written_in_the_same_way(killed_at, tmp_path: Path) -> None:
    renamed = killed_at(3, save_best='mIoU')
    assert renamed[-1] == 'best_mIoU_iter_1.pth'
    assert list(tmp_path.glob('best_*')) == []
