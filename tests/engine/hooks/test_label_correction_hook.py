"""LabelCorrectionHook: counts of all processes, which classes bend, and a resumed training."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmdrs import apis
from mmdrs.engine.hooks.label_correction_hook import (
    correcting_losses,
)
from mmdrs.errors import InputError
from mmdrs.models import LabelCorrectionLoss
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')
LOSS = 'model.decode_head.loss_decode.type'
#: Of four classes after 1, 2, 3 intervals, in 100 pixels: bent, rising, absent, zero.
OVERLAPS = (((60, 10, 0, 0), (64, 20, 0, 0), (65, 30, 0, 0)), (100, 100, 0, 100))


@HOOKS.register_module()
class CountSpoiler(Hook):
    """Sees whether counts and history are as a plain loop over the same batches says."""

    priority = 'VERY_HIGH'

    def after_train_iter(self, runner, *args: object, **kwargs: object) -> None:
        self.fresh = runner.model.decode_head.loss_decode.fresh.clone()


@pytest.fixture
def train(tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Train the tiny network by epochs of three batches; returns the runner."""
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))

    def run(name: str, options: dict, resume: bool = False) -> object:
        cfg = apis.load_config(TINY, options, work_dir=str(tmp_path / name))
        cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=5, val_interval=9)
        cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
        checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=1)
        cfg.default_hooks.checkpoint = checkpoint
        cfg.log_processor = dict(by_epoch=True)
        cfg.experiment_name = f'{tmp_path.name}_{name}_{resume}'
        return apis.train_model(cfg, resume=resume)

    return run


def loss_of(runner: object) -> LabelCorrectionLoss:
    return correcting_losses(runner.model)[0]


OPTIONS = {
    LOSS: 'LabelCorrectionLoss',
    'custom_hooks': [dict(type='LabelCorrectionHook', fall=0.01), dict(type='CountSpoiler')],
}


def test_resumed_in_the_midst_of_an_epoch(
    train: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """Bit for bit what one training gives: weights, counts, history, bent classes."""
    whole = train('whole', OPTIONS)
    loss = loss_of(whole)
    assert int(loss.intervals) == 5 and not loss.counts.any() and not loss.fresh.any()
    seen = loss.history[:5] >= 0
    assert seen[:, :4].any() and not seen[:, 4:].any()
    log = capsys.readouterr().out
    assert 'LabelCorrectionHook: interval 1, IoU with the training labels: background ' in log
    # Of 5 epochs of 3 iterations, the eleventh is the second of an epoch.
    (tmp_path / 'part').mkdir()
    checkpoint = tmp_path / 'whole' / 'iter_11.pth'
    saved = torch.load(checkpoint, weights_only=False)['state_dict']
    prefix = 'decode_head.loss_decode.'
    assert int(saved[f'{prefix}intervals']) == 3 and saved[f'{prefix}counts'].any()
    again = train('part', {**OPTIONS, 'load_from': str(checkpoint)}, resume=True)
    assert again.iter == 15
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[key]), key


def test_other_loss_trains(train: Callable) -> None:
    runner = train('urn', {LOSS: 'ResponseScalingLoss'})
    assert runner.iter == 15


def test_loss_without_its_hook(train: Callable) -> None:
    with pytest.raises(InputError, match=r"add dict\(type='LabelCorrectionHook'\)"):
        train('alone', {LOSS: 'LabelCorrectionLoss'})


def test_hook_without_its_loss(train: Callable) -> None:
    with pytest.raises(InputError, match='model has no LabelCorrectionLoss'):
        train('alone', {'custom_hooks': [dict(type='LabelCorrectionHook')]})
