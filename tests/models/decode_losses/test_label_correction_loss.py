"""LabelCorrectionLoss: to which labels, what it counts, what it refuses."""

from collections.abc import Iterator

import pytest
import torch
from mmengine.logging import MessageHub
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close

from mmdrs.errors import InputError
from mmdrs.models import LabelCorrectionLoss
from mmdrs.models.losses.early_learning import correct_labels


def batch(classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(2, classes, 6, 6, generator=generator)
    labels = torch.randint(0, classes - 1, (2, 6, 6), generator=generator)
    labels[:, 0] = 255
    return logits.requires_grad_(), labels


@pytest.fixture
def hub() -> Iterator[MessageHub]:
    """The message hub of a training in this moment."""
    hub = MessageHub.get_current_instance()
    before = hub.get_info('loop_stage')
    yield hub
    hub.update_info('loop_stage', before)


def test_plain_cross_entropy_before_a_class_has_bent() -> None:
    logits, labels = batch()
    loss = MODELS.build(dict(type='mmseg.LabelCorrectionLoss', loss_weight=0.5))
    expected = 0.5 * F.cross_entropy(logits, labels, ignore_index=255)
    assert_close(loss(logits, labels, ignore_index=255), expected)
    assert loss.loss_name == 'loss_ce'


def test_corrected_labels_of_bent_classes() -> None:
    logits, labels = batch()
    loss = LabelCorrectionLoss(confidence=0.7)
    loss.bent[1] = True
    kept = labels.clone()
    target = correct_labels(logits, labels, torch.tensor([False, True, False, False]), 0.7)
    assert not torch.equal(target, labels)
    found = loss(logits, labels, weight=None, ignore_index=255)
    assert_close(found, F.cross_entropy(logits, target, ignore_index=255))
    assert torch.equal(labels, kept)  # in the place of the data's own labels
    (gradient,) = torch.autograd.grad(found, logits)
    assert not gradient[:, :, 0].any() and gradient[:, :, 1:].any()


def test_half_precision() -> None:
    logits, labels = batch()
    loss = LabelCorrectionLoss()
    loss.bent[:] = True
    half = logits.detach().to(torch.bfloat16).requires_grad_()
    found = loss(half, labels, ignore_index=255)
    assert found.dtype == torch.float32
    assert_close(found, loss(half.detach().float(), labels, ignore_index=255))
    found.backward()
    assert half.grad.isfinite().all()


def test_counts_only_what_trains_and_the_given_labels() -> None:
    logits, labels = batch()
    loss = LabelCorrectionLoss()
    loss.bent[:] = True
    with torch.no_grad():
        loss(logits, labels, ignore_index=255)
    loss.eval()(logits, labels, ignore_index=255)
    assert not loss.fresh.any()
    loss.train()
    for _ in range(2):
        loss(logits, labels, ignore_index=255)
    predicted, valid = logits.argmax(dim=1), labels != 255
    for index in range(4):
        own, guess = (labels == index) & valid, (predicted == index) & valid
        assert loss.fresh[:, index].tolist() == [
            2 * int(m.sum()) for m in (own & guess, own | guess)
        ]


def test_state_is_in_the_checkpoint() -> None:
    loss = LabelCorrectionLoss()
    loss.bent[2], loss.intervals[...] = True, 1
    loss.history[0, 2] = 0.5
    loss.counts[0, 1] = 3
    other = LabelCorrectionLoss()
    other.load_state_dict(loss.state_dict())
    assert set(loss.state_dict()) == {'counts', 'history', 'intervals', 'bent'}
    assert all(torch.equal(v, other.state_dict()[k]) for k, v in loss.state_dict().items())
    assert loss.history.isfinite().all()  # TrainingGuardHook stops at NaN


def test_training_needs_the_hook(hub: MessageHub) -> None:
    loss = LabelCorrectionLoss()
    loss(*batch(), ignore_index=255)  # outside of a runner's training
    hub.update_info('loop_stage', 'train')
    with pytest.raises(InputError, match='LabelCorrectionHook.*segmentation_custom_hooks'):
        loss(*batch(), ignore_index=255)
    loss.followed = True
    loss(*batch(), ignore_index=255)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(confidence=80), r'confidence must be in 0\.\.1, got 80'),
        (dict(confidence='high'), 'confidence must be'),
        (dict(background=-1), r'background must be 0, 1, \.\.\. or None, got -1'),
        (dict(loss_name='ce'), "loss_name must start with 'loss_'.*got 'ce'"),
    ],
)
def test_options_without_sense(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LabelCorrectionLoss(**options)


def test_background_that_the_network_lacks() -> None:
    with pytest.raises(InputError, match='background=4 is none of the 4 classes'):
        LabelCorrectionLoss(background=4)(*batch(), ignore_index=255)
