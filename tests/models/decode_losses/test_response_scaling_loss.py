"""ResponseScalingLoss beside numpy: value, gradient, when it begins, what it refuses."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F
from torch.testing import assert_close

from mmdrs.errors import InputError
from mmdrs.models import ResponseScalingLoss

SCALES = (0.25, 0.5, 1, 2, 4)
OPTIONS = [
    dict(),
    dict(sharpness=3.0),
    dict(measure='disagreement'),
    dict(measure='disagreement', sharpness=1.5),
]


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(2, 4, 5, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 4, (2, 5, 5), generator=generator)
    labels[:, 0] = 255
    return logits, labels


def softmax(logits: np.ndarray, scale: float = 1) -> np.ndarray:
    responses = np.exp(logits)
    responses[:, 1:] *= scale
    return responses / responses.sum(axis=1, keepdims=True)


def weights(logits: np.ndarray, labels: np.ndarray, options: dict) -> np.ndarray:
    """w of each pixel; 0 where the label is to be ignored."""
    scaled = [softmax(logits, s) for s in SCALES]
    if options.get('measure') == 'disagreement':
        u = np.mean([p.argmax(axis=1) != labels for p in scaled], axis=0)
    else:
        torn = [s / (1 + s) for s in SCALES]
        u = np.var([p[:, 1:].sum(axis=1) for p in scaled], axis=0) / np.var(torn)
    k = options.get('sharpness')
    return (labels != 255) * (1 - u if k is None else np.exp(-k * u))


def mean(logits: np.ndarray, labels: np.ndarray, w: np.ndarray) -> float:
    own = np.where(labels == 255, 0, labels)[:, None]
    chosen = np.take_along_axis(softmax(logits), own, axis=1)[:, 0]
    return float((w * -np.log(chosen)).sum() / w.sum())


@pytest.fixture
def hub() -> Iterator[MessageHub]:
    """The message hub of a training in this moment."""
    hub = MessageHub.get_current_instance()
    before = {key: hub.get_info(key) for key in ('loop_stage', 'iter', 'max_iters')}
    hub.update_info('loop_stage', 'train')
    yield hub
    for key, value in before.items():
        hub.update_info(key, value)


@pytest.mark.parametrize('options', OPTIONS)
def test_value_and_gradient(options: dict) -> None:
    """In float64; the weights are constants, also for the numeric derivative."""
    logits, labels = batch()
    loss = MODELS.build(dict(type='mmseg.ResponseScalingLoss', loss_weight=0.4, **options))
    found = loss(logits.requires_grad_(), labels, weight=None, ignore_index=255)
    plain, classes = logits.detach().numpy(), labels.numpy()
    w = weights(plain, classes, options)
    assert found.item() == pytest.approx(0.4 * mean(plain, classes, w), rel=1e-6)
    (gradient,) = torch.autograd.grad(found, logits)
    step = 1e-5
    for place in np.ndindex(*plain.shape):
        ends = []
        for sign in (1, -1):
            moved = plain.copy()
            moved[place] += sign * step
            ends.append(0.4 * mean(moved, classes, w))
        assert float(gradient[place]) == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-7)
    assert not gradient[:, :, 0].any()


def test_plain_cross_entropy_until_the_start(hub: MessageHub) -> None:
    logits, labels = batch()
    loss = ResponseScalingLoss(start=0.3)
    plain = F.cross_entropy(logits, labels, ignore_index=255)
    hub.update_info('max_iters', 10)
    for iteration, same in ((0, True), (2, True), (3, False), (9, False)):
        hub.update_info('iter', iteration)
        found = loss(logits, labels, ignore_index=255)
        assert torch.isclose(found, plain, rtol=1e-9).item() == same, iteration


def test_weights_of_the_sampler_multiply() -> None:
    logits, labels = batch()
    sampled = (torch.arange(50).view(2, 5, 5) % 2).float()
    found = ResponseScalingLoss()(logits, labels, sampled, ignore_index=255)
    plain, classes = logits.numpy(), labels.numpy()
    w = weights(plain, classes, {}) * sampled.numpy()
    assert float(found) == pytest.approx(mean(plain, classes, w), rel=1e-6)


def test_nothing_but_ignored_pixels() -> None:
    logits, labels = batch()
    found = ResponseScalingLoss()(logits.requires_grad_(), labels.fill_(255), ignore_index=255)
    found.backward()
    assert found == 0 and not logits.grad.any()


@pytest.mark.parametrize('measure', ['variance', 'disagreement'])
def test_half_precision(measure: str) -> None:
    logits, labels = batch()
    half = (20 * logits).to(torch.float16)
    loss = ResponseScalingLoss(measure=measure)
    found = loss(half.requires_grad_(), labels, ignore_index=255)
    assert found.dtype == torch.float32
    assert_close(found, loss(half.detach().float(), labels, ignore_index=255))
    found.backward()
    assert half.grad.isfinite().all()


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(scales=(1,)), r'scales must be two or more positive numbers, got \(1,\)'),
        (dict(scales=(1, 1)), 'scales must be'),
        (dict(scales=(0, 1)), 'scales must be'),
        (dict(scales=2), 'scales must be'),
        (dict(measure='entropy'), "measure must be one of .*'variance'.*got 'entropy'"),
        (dict(sharpness=0), 'sharpness must be positive or None, got 0'),
        (dict(start=30), r'start must be in 0\.\.1, got 30'),
        (dict(background=None), 'needs the index of the background'),
        (dict(background=-1), 'background must be 0, 1'),
        (dict(avg_non_ignore=False), 'avg_non_ignore=True'),
        (dict(loss_name='ce'), "must start with 'loss_'"),
    ],
)
def test_options_without_sense(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ResponseScalingLoss(**options)


def test_background_that_the_network_lacks() -> None:
    with pytest.raises(InputError, match='background=4 is none of the 4 classes'):
        ResponseScalingLoss(background=4)(*batch(), ignore_index=255)
