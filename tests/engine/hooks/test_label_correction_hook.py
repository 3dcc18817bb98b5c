"""LabelCorrectionHook: counts of all processes, which classes bend, and resumed trainings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmdrs import apis
from mmdrs.engine import LabelCorrectionHook
from mmdrs.engine.hooks.label_correction_hook import (
    correcting_losses,
    finish_interval,
    gather_counts,
)
from mmdrs.errors import InputError
from mmdrs.models import LabelCorrectionLoss
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')
LOSS = 'model.decode_head.loss_decode.type'
PREFIX = 'decode_head.loss_decode.'
#: Early and few: in a training of seconds.
EAGER = dict(type='LabelCorrectionHook', fall=0.01)
CORRECTING = {LOSS: 'LabelCorrectionLoss', 'model.decode_head.loss_decode.confidence': 0.3}


@HOOKS.register_module()
class CountRecorder(Hook):
    """Copies the counts of each iteration before the hook takes them, and lists bent classes."""

    priority = 'VERY_HIGH'

    def before_train(self, runner) -> None:
        self.seen, self.bent = [], []

    def after_train_iter(self, runner, *args: object, **kwargs: object) -> None:
        loss = runner.model.decode_head.loss_decode
        self.seen.append(loss.fresh.clone())
        self.bent.append(int(loss.bent.sum()))


@pytest.fixture
def train(tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Train the tiny network, by iterations or by epochs of three; returns the runner."""
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))

    def run(name: str, options: dict, by_epoch: bool, resume_from: str | None = None) -> object:
        if resume_from:
            options = {**options, 'load_from': resume_from}
        cfg = apis.load_config(TINY, options, work_dir=str(tmp_path / name))
        if by_epoch:
            cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=5, val_interval=9)
            cfg.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
        else:
            cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=8, val_interval=99)
        checkpoint = dict(type='CheckpointHook', by_epoch=by_epoch, interval=1)
        cfg.default_hooks.checkpoint = checkpoint
        cfg.log_processor = dict(by_epoch=by_epoch)
        cfg.experiment_name = f'{tmp_path.name}_{name}'
        return apis.train_model(cfg, resume=bool(resume_from), resume_from=resume_from)

    return run


def assert_same_state(one: object, other: object) -> None:
    """Bit for bit: weights, counts, IoUs, bent classes."""
    assert one.iter == other.iter
    state = other.model.state_dict()
    for key, value in one.model.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_resumed_between_epochs(
    train: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    options = {**CORRECTING, 'custom_hooks': [EAGER, dict(type='CountRecorder')]}
    whole = train('whole', options, True)
    loss = correcting_losses(whole.model)[0]
    recorder = next(h for h in whole.hooks if isinstance(h, CountRecorder))
    # The IoU of the fourth epoch is that of its three iterations.
    both, union = sum(recorder.seen[9:12])
    for index in range(4):
        expected = float(both[index]) / float(union[index])
        assert loss.history[3, index].item() == pytest.approx(expected)
    assert (loss.history[:5, 4:] == -1).all() and (loss.history[5:] == -1).all()
    assert int(loss.intervals) == 5 and not loss.counts.any() and not loss.fresh.any()
    # None before the third epoch is over.
    assert not any(recorder.bent[:9]) and recorder.bent[9] > 0
    log = capsys.readouterr().out
    assert 'LabelCorrectionHook: interval 1, IoU with the training labels: background ' in log
    assert 'LabelCorrectionHook: labels are corrected from now on: ' in log
    checkpoint = str(tmp_path / 'whole' / 'epoch_3.pth')
    assert torch.load(checkpoint, weights_only=False)['state_dict'][f'{PREFIX}bent'].any()
    assert_same_state(whole, train('part', options, True, checkpoint))


def test_resumed_in_the_midst_of_an_interval(train: Callable, tmp_path: Path) -> None:
    hook = {**EAGER, 'by_epoch': False, 'interval': 2}
    options = {**CORRECTING, 'custom_hooks': [hook]}
    whole = train('whole', options, False)
    assert int(correcting_losses(whole.model)[0].intervals) == 4
    checkpoint = str(tmp_path / 'whole' / 'iter_7.pth')
    saved = torch.load(checkpoint, weights_only=False)['state_dict']
    assert int(saved[f'{PREFIX}intervals']) == 3 and saved[f'{PREFIX}counts'].any()
    assert_same_state(whole, train('part', options, False, checkpoint))


def test_response_scaling_trains(train: Callable) -> None:
    runner = train('urn', {LOSS: 'ResponseScalingLoss'}, False)
    assert runner.iter == 8
    assert runner.message_hub.get_scalar('train/decode.loss_ce').current() > 0


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({LOSS: 'LabelCorrectionLoss'}, r"add dict\(type='LabelCorrectionHook'\)"),
        ({'custom_hooks': [EAGER]}, 'the model has no LabelCorrectionLoss'),
        ({LOSS: 'LabelCorrectionLoss', 'custom_hooks': [EAGER]}, 'give by_epoch=False'),
    ],
)
def test_parts_that_do_not_fit(train: Callable, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        train('alone', options, False)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(interval=0), r'interval must be 1, 2, \.\.\., got 0'),
        (dict(interval=0.5), 'interval must be'),
        (dict(fall=90), 'fall must be between 0 and 1, exclusive, got 90'),
        (dict(min_intervals=2), 'min_intervals must be 3 or more, got 2'),
    ],
)
def test_options_without_sense(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LabelCorrectionHook(**options)


def set_counts(loss: LabelCorrectionLoss, both: tuple[int, ...], union: tuple[int, ...]) -> None:
    loss.counts[0, : len(both)] = torch.tensor(both)
    loss.counts[1, : len(union)] = torch.tensor(union)


def test_classes_bend_one_by_one_and_stay_so() -> None:
    """Class 0 bends, 1 rises evenly, 2 is never seen, 3 is never met; 1 bends later."""
    loss = LabelCorrectionLoss()
    risen = ((60, 10), (66, 20), (67, 30), (67, 40), (67, 41), (67, 41), (5, 41), (5, 41))
    newly = []
    for first, second in risen:
        set_counts(loss, (first, second, 0, 0), (100, 100, 0, 100))
        newly.append(finish_interval(loss, fall=0.9, min_intervals=3))
    assert newly[:3] == [[], [], [0]]
    assert sorted(index for indices in newly for index in indices) == [0, 1]
    assert newly.index([1]) >= 4
    assert torch.nonzero(loss.bent).flatten().tolist() == [0, 1]  # 0 though its IoU has fallen
    assert loss.history[0, :5].tolist() == pytest.approx([0.6, 0.1, -1, 0, -1])


def test_background_follows_the_first_class() -> None:
    """It rises evenly, and would not bend yet."""
    for follows, expected in ((False, [1]), (True, [0, 1])):
        loss = LabelCorrectionLoss()
        for background, other in ((10, 60), (20, 66), (30, 67)):
            set_counts(loss, (background, other), (100, 100))
            newly = finish_interval(loss, 0.9, 3, background_follows=follows)
        assert newly == expected == torch.nonzero(loss.bent).flatten().tolist()


def test_first_fit_waits() -> None:
    loss = LabelCorrectionLoss()
    for number in range(1, 6):
        set_counts(loss, (60 + (number > 1),), (100,))
        assert finish_interval(loss, fall=0.1, min_intervals=5) == ([0] if number == 5 else [])


def _gather(rank: int, folder: Path) -> None:
    """One of two processes, with its own counts in each of two iterations."""
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder / "init"}', rank=rank, world_size=2
    )
    loss = LabelCorrectionLoss()
    for iteration in range(2):
        loss.fresh[0, 0] += 1 + rank + 10 * iteration
        loss.fresh[1, 0] += 30
        gather_counts(loss)
    found = [*loss.counts[:, 0].tolist(), int(loss.fresh.sum())]
    finish_interval(loss, fall=0.9, min_intervals=3)
    (folder / f'{rank}.json').write_text(json.dumps([*found, loss.history[0, 0].item()]))
    torch.distributed.destroy_process_group()


def test_two_processes_count_together(tmp_path: Path) -> None:
    # Forked: they need not import everything again.
    torch.multiprocessing.start_processes(_gather, (tmp_path,), nprocs=2, start_method='fork')
    found = [json.loads((tmp_path / f'{rank}.json').read_text()) for rank in (0, 1)]
    total = (1 + 2) + (11 + 12)
    assert found[0] == found[1] == [total, 120, 0, pytest.approx(total / 120)]
