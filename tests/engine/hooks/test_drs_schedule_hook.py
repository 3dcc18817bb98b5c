"""DRSScheduleHook: strengths by iteration in real trainings, resume, errors, what they do."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmseg.registry import HOOKS, MODELS
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from mmdrs import apis
from mmdrs.engine import DRSScheduleHook
from mmdrs.errors import InputError
from mmdrs.models.layers import DRS
from mmdrs.models.ops.suppression import suppress
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')
BACKBONE = dict(
    _delete_=True,
    type='DRSBackbone',
    backbone=dict(
        type='DilatedVGG', depths=(1, 1), channels=(4, 6), strides=(2,), extra_channels=(5,)
    ),
    drs=dict(type='DRS', delta=0.6, in_eval=False),
)


@HOOKS.register_module()
class StrengthRecorder(Hook):
    """Notes the strengths that iterations and validations ran with."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.train: dict[int, set[float]] = {}
        self.val: list[set[float]] = []

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self.train[runner.iter] = strengths(runner.model)

    def before_val(self, runner: Runner) -> None:
        self.val.append(strengths(runner.model))


def strengths(model: nn.Module) -> set[float]:
    return {round(float(m.strength), 6) for m in model.modules() if isinstance(m, DRS)}


@pytest.fixture
def train(tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Train the tiny network with the hook, and return what the recorder noted and the runner."""
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))

    def run(max_iters: int, resume: bool = False, epochs: int = 0, **hook: float) -> tuple:
        norm = dict(type='BN', requires_grad=True)
        options = {
            'model.backbone': BACKBONE,
            'model.decode_head': dict(in_channels=5, in_index=-1, norm_cfg=norm),
            'train_cfg': dict(max_iters=max_iters, val_interval=2),
            'custom_hooks': [dict(type='DRSScheduleHook', **hook), dict(type='StrengthRecorder')],
            'log_level': 'WARNING',
            'experiment_name': f'{tmp_path.name}_{max_iters}_{resume}',
        }
        cfg = apis.load_config(TINY, work_dir=str(tmp_path))
        cfg.merge_from_dict(options)
        if epochs:
            cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs, val_interval=9)
            cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
            cfg.default_hooks.pop('checkpoint')
        runner = apis.train_model(cfg, resume=resume)
        return next(h for h in runner.hooks if isinstance(h, StrengthRecorder)), runner

    return run


def test_strengths_of_a_training(train: Callable, tmp_path: Path) -> None:
    recorder, runner = train(8, warmup_iters=4, start=0.2, off_last_iters=2)
    assert recorder.train == {
        0: {0.2}, 1: {0.4}, 2: {0.6}, 3: {0.8}, 4: {1}, 5: {1}, 6: {0}, 7: {0},
    }  # fmt: skip
    # After iterations 2, 4, 6 and 8: what the last of them had.
    assert recorder.val == [{0.4}, {0.8}, {1}, {0}]
    logged = runner.message_hub.get_scalar('train/drs_strength').data[0]
    assert list(logged) == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 0, 0])
    weights = torch.load(tmp_path / 'iter_8.pth')['state_dict']
    assert not any('strength' in key for key in weights)


def test_resume_goes_by_the_iteration(train: Callable) -> None:
    train(2, warmup_iters=2)
    recorder, runner = train(6, resume=True, warmup_iters=5, off_last_iters=1)
    assert recorder.train == {2: {0.4}, 3: {0.6}, 4: {0.8}, 5: {0}}
    logged = runner.message_hub.get_scalar('train/drs_strength').data[0]
    assert list(logged) == pytest.approx([0, 0.5, 0.4, 0.6, 0.8, 0])


def test_loop_by_epoch(train: Callable) -> None:
    """Two epochs of three iterations, counted through."""
    recorder, _ = train(0, epochs=2, warmup_iters=5)
    assert recorder.train == {0: {0}, 1: {0.2}, 2: {0.4}, 3: {0.6}, 4: {0.8}, 5: {1}}


def test_without_numbers_nothing_changes(train: Callable) -> None:
    recorder, _ = train(2)
    assert recorder.train == {0: {1}, 1: {1}} and recorder.val == [{1}]


def test_numbers_that_do_not_fit_stop_the_training(train: Callable) -> None:
    with pytest.raises(InputError, match='warmup_iters=2 and off_last_iters=1 do not fit into 2'):
        train(2, warmup_iters=2, off_last_iters=1)
    with pytest.raises(InputError, match='off_last_iters=2 of 2 iterations leaves none with DRS'):
        train(2, off_last_iters=2)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(warmup_iters=-1), r'warmup_iters must be 0, 1, 2, \.\.\., got -1'),
        (dict(warmup_iters=0.1), r'warmup_iters must be 0, 1, 2, \.\.\., got 0\.1'),
        (dict(off_last_iters=-2), r'off_last_iters must be 0, 1, 2, \.\.\., got -2'),
        (dict(start=1.5), r'start must be in 0\.\.1, got 1\.5'),
    ],
)
def test_numbers_without_sense(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DRSScheduleHook(**arguments)


def fake_runner(model: nn.Module, iteration: int = 0) -> SimpleNamespace:
    hub = SimpleNamespace(update_scalar=lambda name, value: None)
    return SimpleNamespace(model=model, iter=iteration, max_iters=10, message_hub=hub)


def test_model_without_drs() -> None:
    with pytest.raises(InputError, match='the model has no DRS layer'):
        DRSScheduleHook().before_train(fake_runner(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())))


def test_wrapped_model_and_heads(mmseg_scope: None) -> None:
    head = dict(type='CAMHead', in_channels=5, num_classes=4, num_convs=2, drs=dict(type='DRS'))
    backbone = {key: value for key, value in BACKBONE.items() if key != '_delete_'}
    model = MODELS.build(Config(dict(
        type='EncoderDecoder', backbone=backbone, decode_head=head, test_cfg=dict(mode='whole'),
    )))  # fmt: skip
    hook = DRSScheduleHook(warmup_iters=4)
    runner = fake_runner(nn.DataParallel(model), iteration=1)
    hook.before_train(runner)
    hook.before_train_iter(runner, 0)
    assert len(hook.layers) == 3 + 2
    assert strengths(model.backbone) == strengths(model.decode_head) == {0.25}


@pytest.mark.parametrize('in_eval', [True, False])
def test_off_at_the_end_but_on_in_evaluation_is_warned_of(
    in_eval: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    logger = MMLogger.get_current_instance()
    monkeypatch.setattr(logger, 'handlers', [caplog.handler])
    with caplog.at_level(logging.WARNING):
        DRSScheduleHook(off_last_iters=1).before_train(fake_runner(DRS(in_eval=in_eval)))
    assert ('set in_eval=False in their config' in caplog.text) == in_eval


def test_what_the_strengths_do() -> None:
    """0 is a ReLU and 1 the layer itself, exactly; 0.5 of delta 0.6 is a control of 0.8."""
    x = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    layer = DRS(delta=0.6)
    hook = DRSScheduleHook(warmup_iters=4, off_last_iters=3)

    def at(iteration: int) -> torch.Tensor:
        runner = fake_runner(layer, iteration)
        hook.before_train(runner)
        hook.before_train_iter(runner, iteration)
        return layer(x)

    assert torch.equal(at(0), F.relu(x)) and torch.equal(at(9), F.relu(x))
    assert torch.equal(at(4), suppress(x, 0.6)) and torch.equal(at(6), suppress(x, 0.6))
    assert_close(at(2), suppress(x, 0.8))
    assert not torch.equal(at(2), suppress(x, 0.6))
