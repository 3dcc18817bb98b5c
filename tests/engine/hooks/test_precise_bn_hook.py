"""PreciseBNHook: which statistics it sets, to what, and what it leaves alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS
from torch import Tensor, nn
from torch.testing import assert_close

from mmdrs import apis
from mmdrs.engine import PreciseBNHook
from mmdrs.engine.hooks.precise_bn_hook import frozen_norms, update_statistics
from mmdrs.errors import InputError
from mmdrs.models.layers import DRS
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')
BACKBONE = dict(
    _delete_=True,
    type='DRSBackbone',
    backbone=dict(
        type='ResNet',
        depth=18,
        base_channels=8,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=True,
    ),
    drs=dict(type='DRS', delta=0.5),
    layers=['layer3'],
)


class Block(nn.Module):
    """A batch norm, DRS, and two batch norms; the named ones keep their statistics."""

    def __init__(self, kept: tuple[str, ...] = ('front', 'behind')) -> None:
        super().__init__()
        self.kept = kept
        self.front, self.behind, self.last = (nn.BatchNorm2d(2) for _ in range(3))
        self.drs = DRS(delta=0.5)

    def train(self, mode: bool = True) -> 'Block':
        super().train(mode)
        for name in self.kept:
            getattr(self, name).eval()
        return self

    def data_preprocessor(self, batch: Tensor, training: bool) -> dict[str, Tensor]:
        return dict(x=batch)

    def forward(self, x: Tensor, mode: str) -> Tensor:
        assert mode == 'loss'
        return self.last(self.behind(self.drs(self.front(x))))


@HOOKS.register_module()
class StatisticsRecorder(Hook):
    """Copies the whole state before the calibration and after each training iteration."""

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        self.states = [copied(runner.model)]

    def before_train_epoch(self, runner) -> None:
        self.begun = copied(runner.model)

    def after_train_iter(self, runner, *args: object, **kwargs: object) -> None:
        self.states.append(copied(runner.model))


def copied(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor], ending: str) -> set[str]:
    keys = [key for key in before if key.endswith(ending)]
    return {key for key in keys if not torch.equal(before[key], after[key])}


@pytest.fixture
def train(tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Train the tiny network with the hook; returns the runner and the recorded states."""
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))

    def run(max_iters: int, resume: bool = False, epochs: int = 0, workers: int = 0) -> tuple:
        cfg = apis.load_config(TINY, work_dir=str(tmp_path))
        cfg.merge_from_dict(
            {
                'model.backbone': BACKBONE,
                'model.decode_head.norm_cfg': dict(type='BN', requires_grad=True),
                'train_cfg.max_iters': max_iters,
                'train_dataloader.num_workers': workers,
                'train_dataloader.persistent_workers': workers > 0,
                'custom_hooks': [
                    dict(type='PreciseBNHook', num_batches=2),
                    dict(type='StatisticsRecorder'),
                ],
                'log_level': 'WARNING',
                'experiment_name': f'{tmp_path.name}_{max_iters}_{resume}_{epochs}',
            }
        )
        if epochs:
            cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs, val_interval=9)
            cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
            cfg.default_hooks.pop('checkpoint')
        runner = apis.train_model(cfg, resume=resume)
        return runner, next(h for h in runner.hooks if isinstance(h, StatisticsRecorder)).states

    return run


def test_equation_over_three_batches() -> None:
    """The mean over the batches of the mean and the unbiased variance behind the suppression."""
    model = Block().train()
    model.front.running_mean.fill_(0.2)
    before = copied(model)
    x = torch.randn(3, 4, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    norms = frozen_norms(model, x[0], after_drs=True)
    assert norms == [model.behind]
    assert frozen_norms(model, x[0], after_drs=False) == [model.front, model.behind]
    assert not changed(before, copied(model), '')
    assert update_statistics(model, norms, iter(x)) == 3
    seen = []
    for batch in x:
        front = ((batch - 0.2) / (1 + model.front.eps) ** 0.5).relu()
        seen.append(torch.minimum(front, 0.5 * front.amax((2, 3), keepdim=True)))
    means = torch.stack([batch.mean((0, 2, 3)) for batch in seen])
    variances = torch.stack([batch.transpose(0, 1).flatten(1).var(1) for batch in seen])
    assert_close(model.behind.running_mean, means.mean(0))
    assert_close(model.behind.running_var, variances.mean(0))
    assert {key.split('.')[0] for key in changed(before, copied(model), '')} == {'behind'}
    assert (model.front.training, model.behind.training, model.last.training) == (0, 0, 1)
    assert model.behind.momentum == 0.1


def test_nothing_to_calibrate() -> None:
    x = torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    updated = Block(kept=('front',)).train()
    without_drs = Block().train()
    without_drs.drs = nn.Identity()
    for model in (updated, without_drs):
        assert frozen_norms(model, x, after_drs=True) == []
    assert frozen_norms(without_drs, x, after_drs=False) == [without_drs.front, without_drs.behind]
    assert frozen_norms(Block(kept=()).train(), x, after_drs=False) == []


def test_nothing_frozen_is_a_warning(
    train: Callable, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The own-data template has the hook, whatever backbone a user chooses."""
    monkeypatch.setitem(BACKBONE['backbone'], 'norm_eval', False)
    runner, states = train(max_iters=1)
    recorder = next(h for h in runner.hooks if isinstance(h, StatisticsRecorder))
    assert not changed(states[0], recorder.begun, '')
    assert 'no batch norm after a DRS layer has frozen statistics' in capsys.readouterr().out


@pytest.mark.parametrize('number', [0, -1, 1.5])
def test_number_without_sense(number: float) -> None:
    with pytest.raises(InputError, match=r'num_batches must be 1, 2, \.\.\., got'):
        PreciseBNHook(num_batches=number)


@pytest.mark.parametrize('loop', [dict(max_iters=2), dict(max_iters=2, workers=1)])
def test_training_keeps_the_new_statistics(train: Callable, tmp_path: Path, loop: dict) -> None:
    _, states = train(**loop)
    ours = {key for key in states[0] if 'layer4' in key and 'running_' in key}
    assert ours and changed(states[0], states[1], '') & ours == ours
    # What else has moved are weights, and the head's statistics, which the training updates.
    others = changed(states[0], states[1], 'running_mean') - ours
    assert others and all(key.startswith('decode_head') for key in others)
    assert not changed(states[1], states[2], 'running_mean') & ours
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=False)['state_dict']
    assert all(torch.equal(saved[key], states[1][key]) for key in ours)


def test_loop_by_epochs_goes_on_with_all_its_data(train: Callable) -> None:
    """Two epochs of three iterations, though two batches were taken from the loader before."""
    _, states = train(0, epochs=2, workers=1)
    assert len(states) == 1 + 2 * 3
    assert any('layer4' in key for key in changed(states[0], states[1], 'running_mean'))


def test_resumed_training_keeps_its_statistics(train: Callable) -> None:
    _, first = train(2)
    _, second = train(4, resume=True)
    ours = {key for key in first[-1] if 'layer4' in key and 'running_' in key}
    assert ours and all(torch.equal(first[-1][key], second[-1][key]) for key in ours)


def _calibrate(rank: int, init_file: str, x: Tensor, found) -> None:
    """One of two processes, with its own batches."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{init_file}', rank=rank, world_size=2
    )
    model = Block().train()
    update_statistics(model, [model.behind], iter(x[rank]))
    found[rank] = model.behind.running_mean, model.behind.running_var
    torch.distributed.destroy_process_group()


def test_two_processes_take_the_mean_of_both(tmp_path: Path) -> None:
    x = torch.randn(2, 3, 4, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    with torch.multiprocessing.Manager() as manager:
        found = manager.dict()
        torch.multiprocessing.spawn(_calibrate, (str(tmp_path / 'init'), x, found), nprocs=2)
        found = dict(found)
    model = Block().train()
    update_statistics(model, [model.behind], iter(x.flatten(0, 1)))
    for rank in (0, 1):
        assert_close(found[rank], (model.behind.running_mean, model.behind.running_var))
