"""A training that learns nothing is stopped, and its last good checkpoint is kept."""

from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmdrs import apis
from mmdrs.apis.checkpoint import is_whole, latest_checkpoint
from mmdrs.engine.hooks import training_guard_hook
from mmdrs.errors import InputError
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')
SAVE_EACH = {
    'train_cfg.max_iters': 6,
    'train_cfg.val_interval': 100,
    'default_hooks.checkpoint.interval': 1,
    'default_hooks.checkpoint.max_keep_ckpts': 1,
    'default_hooks.checkpoint.save_best': None,
}


@HOOKS.register_module()
class SpoilHook(Hook):
    """Makes a weight NaN before or after an iteration, as a step too wide does."""

    priority = 'HIGH'

    def __init__(self, before: int | None = None, after: int | None = None) -> None:
        self.before = before
        self.after = after

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        if runner.iter == self.before:
            spoil(runner.model)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        if runner.iter == self.after:
            spoil(runner.model)


def spoil(model: torch.nn.Module) -> None:
    with torch.no_grad():
        model.decode_head.conv_seg.weight[0] = float('nan')


@pytest.fixture
def config(tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))

    def load(options: dict, **spoil: int):
        cfg = apis.load_config(TINY, {**SAVE_EACH, **options}, str(tmp_path))
        cfg.experiment_name = f'{tmp_path.parent.name}_{tmp_path.name}'
        if spoil:
            cfg.custom_hooks = [dict(type='SpoilHook', **spoil)]
        return cfg

    return load


@pytest.mark.parametrize(
    ('spoil', 'reason'),
    [
        (dict(before=3), r'loss is nan, decode.loss_ce is nan in iteration 4'),
        (dict(after=3), r'decode_head.conv_seg.weight is NaN after iteration 4'),
    ],
)
def test_stops_at_the_first_nan(config, spoil: dict, reason: str, tmp_path: Path) -> None:
    """Also with one checkpoint kept: the last good one is not removed for a bad one."""
    with pytest.raises(InputError, match=reason) as error:
        apis.train_model(config({}, **spoil))
    good = str(tmp_path / 'iter_3.pth')
    assert str(error.value).endswith(f'The last good checkpoint is {good}')
    assert 'a learning rate too high (it is 0.0' in str(error.value)
    assert latest_checkpoint(tmp_path) == good and is_whole(good)
    assert not (tmp_path / 'iter_4.pth').exists()


def test_a_learning_rate_too_high(config) -> None:
    with pytest.raises(InputError, match=r'has failed: .*learning rate too high \(it is .*e\+29'):
        apis.train_model(config({'optim_wrapper.optimizer.lr': 1e30}))


def test_a_loss_scaler_may_skip_some(config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_guard_hook, 'AmpOptimWrapper', object)  # any optimizer wrapper
    monkeypatch.setattr(training_guard_hook, 'SKIPPED', 3)
    cfg = config({'default_hooks.checkpoint.interval': 100}, before=1)
    with pytest.raises(InputError, match=r'in iteration 4 and the 2 before.*mixed precision'):
        apis.train_model(cfg)


def test_fewer_images_than_a_batch(config, tmp_path: Path) -> None:
    options = {
        'train_cfg': dict(type='EpochBasedTrainLoop', max_epochs=1, _delete_=True),
        'train_dataloader.sampler.type': 'DefaultSampler',
        'train_dataloader.drop_last': True,
        'train_dataloader.batch_size': 7,
    }
    with pytest.raises(InputError, match='has 6 images .*, fewer than a batch'):
        apis.train_model(config(options))
    assert latest_checkpoint(tmp_path) is None
