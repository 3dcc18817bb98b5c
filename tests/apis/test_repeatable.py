"""A training gives the same weights whoever loads its data, and after an interruption."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmdrs import apis
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')
BY_ITERATION = {'train_cfg.max_iters': 8, 'train_cfg.val_interval': 3}
BY_EPOCH = {
    'train_cfg': dict(type='EpochBasedTrainLoop', max_epochs=3, val_interval=1, _delete_=True),
    'train_dataloader.sampler.type': 'DefaultSampler',
    'default_hooks.checkpoint.by_epoch': True,
    'default_hooks.checkpoint.interval': 1,
}
#: A loop by iterations over a finite sampler.
BY_PASS = {**BY_ITERATION, 'train_dataloader.sampler.type': 'DefaultSampler'}


class KilledError(Exception):
    """What a kill signal does, for a test in one process."""


@HOOKS.register_module()
class KillHook(Hook):
    """Stops a training before an iteration, or before the metrics of a validation are known."""

    priority = 'VERY_HIGH'

    def __init__(self, iteration: int, in_validation: bool = False) -> None:
        self.iteration = iteration
        self.in_validation = in_validation

    def before_train_iter(self, runner, batch_idx: int, data_batch: Any = None) -> None:
        if runner.iter == self.iteration and not self.in_validation:
            raise KilledError

    def before_val_epoch(self, runner) -> None:
        if runner.iter == self.iteration and self.in_validation:
            raise KilledError


@pytest.fixture
def train(tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Train the tiny network into a folder of some name; return its last weights."""
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))
    monkeypatch.setattr('mmengine.runner.loops.time.sleep', lambda seconds: None)

    def run(
        name: str,
        options: dict,
        workers: int = 0,
        killed: dict | None = None,
        seed: int | None = 5,
        **kwargs: Any,
    ) -> dict[str, torch.Tensor] | None:
        cfg = apis.load_config(
            TINY,
            {
                **deepcopy(options),  # MMEngine changes it
                'train_dataloader.num_workers': workers,
                'train_dataloader.persistent_workers': True,
                'randomness': dict(seed=seed),
            },
            str(tmp_path / name),
        )
        cfg.experiment_name = f'{tmp_path.name}_{name}_{killed}'
        if killed:
            cfg.custom_hooks = [dict(type='KillHook', **killed)]
            with pytest.raises(KilledError):
                apis.train_model(cfg)
            return None
        apis.train_model(cfg, **kwargs)
        return torch.load((tmp_path / name / 'last_checkpoint').read_text(), weights_only=True)[
            'state_dict'
        ]

    return run


def differing(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> list[str]:
    return [key for key in first if not torch.equal(first[key], second[key])]


@pytest.mark.parametrize('options', [BY_ITERATION, BY_EPOCH, BY_PASS])
def test_the_number_of_workers_changes_nothing(train, options: dict) -> None:
    alone = train('alone', options)
    assert differing(alone, train('two', options, workers=2)) == []
    assert differing(alone, train('other', {**options, 'optim_wrapper.optimizer.lr': 0.02}))


@pytest.mark.parametrize(
    ('options', 'iteration', 'workers'), [(BY_ITERATION, 5, 2), (BY_PASS, 5, 0), (BY_EPOCH, 7, 0)]
)
def test_resumed_equals_uninterrupted(train, options: dict, iteration: int, workers: int) -> None:
    whole = train('whole', options)
    train('stopped', options, workers, dict(iteration=iteration))
    assert differing(whole, train('stopped', options, resume=True)) == []


@pytest.mark.parametrize(
    ('options', 'iteration'), [(BY_ITERATION, 6), (BY_EPOCH, 3), (BY_EPOCH, 9)]
)
def test_a_validation_that_was_killed_is_done_again(
    train, options: dict, iteration: int, tmp_path: Path
) -> None:
    train('whole', options)
    train('stopped', options, killed=dict(iteration=iteration, in_validation=True))
    train('stopped', options, resume=True)
    best = [
        [path.name for path in sorted((tmp_path / name).glob('best_*.pth'))]
        for name in ('whole', 'stopped')
    ]
    assert best[0] == best[1] and len(best[0]) == 1


@pytest.mark.parametrize('scheme', ['file', 'http'])
def test_resumed_from_a_url(
    train, served: Callable[[Path], str], tmp_path: Path, scheme: str
) -> None:
    whole = train('whole', BY_ITERATION)
    train('stopped', BY_ITERATION, killed=dict(iteration=5))
    checkpoint = tmp_path / 'stopped' / 'iter_4.pth'
    url = served(checkpoint) if scheme == 'http' else f'file://{checkpoint}'
    elsewhere = train('elsewhere', BY_ITERATION, resume=True, resume_from=url)
    assert differing(whole, elsewhere) == []


@pytest.mark.parametrize('options', [BY_ITERATION, BY_EPOCH])
def test_a_seed_that_was_drawn_is_kept(train, options: dict, tmp_path: Path) -> None:
    """Without a seed, MMEngine draws one in each process and stores it in the checkpoint."""
    train('stopped', options, killed=dict(iteration=5), seed=None)
    stored = torch.load(next((tmp_path / 'stopped').glob('[ei]*.pth')), weights_only=True)
    resumed = train('stopped', options, seed=None, resume=True)
    whole = train('whole', options, seed=stored['meta']['seed'])
    assert differing(whole, resumed) == []
