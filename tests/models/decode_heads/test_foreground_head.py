"""The head that learns a foreground: a plain restatement, rounds, and what it refuses."""

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmdrs.errors import InputError
from mmdrs.models import ForegroundHead

LIMITS = dict(
    sure_foreground=0.55,
    sure_background=0.45,
    teacher_foreground=0.5,
    teacher_background=(0.45, 0),
)


def make_head(**options: object) -> ForegroundHead:
    torch.manual_seed(0)
    given = dict(in_channels=[3, 2], in_index=[0, 2], channels=5, dropout_ratio=0) | options
    return ForegroundHead(**given).train()


def features() -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(1)
    shapes = (2, 3, 4, 6), (2, 9, 1, 1), (2, 2, 4, 6)
    return tuple(3 + 2 * torch.randn(shape, generator=random) for shape in shapes)


def samples() -> list[SegDataSample]:
    levels = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 12)).astype(np.uint8)
    levels[:, 1:] //= 4
    found = [SegDataSample() for _ in levels]
    for item, values in zip(found, levels, strict=True):
        item.gt_localization_map = PixelData(data=torch.from_numpy(values))
    return found


def restated_logits(head: ForegroundHead) -> np.ndarray:
    """(N, H, W) of a batch: standardised by it, two layers."""
    x = torch.cat([features()[0], features()[2]], 1).numpy().astype(np.float64)
    mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
    x = (x - mean) / np.sqrt(var + 1e-5)
    weights = [p.detach().numpy().astype(np.float64) for p in (*head.hidden[1].parameters(),)]
    hidden = np.einsum('oi,nihw->nohw', weights[0][:, :, 0, 0], x) + weights[1][:, None, None]
    last = head.conv_seg.weight.detach().numpy()[0, :, 0, 0], float(head.conv_seg.bias)
    return np.einsum('i,nihw->nhw', last[0], np.maximum(hidden, 0)) + last[1]


def restated_losses(logits: np.ndarray, score: np.ndarray, high: float, low: float) -> list[float]:
    probability = 1 / (1 + np.exp(-logits))
    sides = -np.log(probability[score > high]), -np.log(1 - probability[score < low])
    assert all(len(side) for side in sides)
    return [side.mean() for side in sides]


def test_first_round_learns_the_sure_pixels_of_the_maps() -> None:
    head = make_head(**LIMITS)
    losses = head.loss(features(), samples(), {})
    levels = np.stack([s.gt_localization_map.data.numpy() for s in samples()]) / 255
    score = levels.max(1).reshape(2, 4, 2, 6, 2).mean((2, 4))  # areas of 2 x 2
    expected = restated_losses(restated_logits(head), score, 0.55, 0.45)
    assert list(losses) == ['loss_foreground', 'loss_background']
    np.testing.assert_allclose([float(v.detach()) for v in losses.values()], expected, rtol=1e-4)


def test_later_rounds_learn_what_the_teacher_is_sure_of() -> None:
    """The teacher sees the same features, without dropout and with its own statistics."""
    head = make_head(**LIMITS)
    head.loss(features(), samples(), {})
    norm = head.hidden[0]
    with torch.no_grad():
        head.conv_seg.weight *= 4
    head.next_round()
    x = torch.cat([features()[0], features()[2]], 1)
    x = (x - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + 1e-5).sqrt()
    with torch.no_grad():
        score = head.conv_seg(head.hidden[1:](x)).sigmoid()[:, 0].numpy()
        nn.init.normal_(head.conv_seg.weight)  # the network goes on, its teacher does not
        head.forward(features())
    expected = restated_losses(restated_logits(head), score, 0.5, 0.45)
    losses = head.loss(features(), [], {})  # no maps are needed any more
    np.testing.assert_allclose([float(v.detach()) for v in losses.values()], expected, rtol=1e-4)
    head.next_round()  # of this round no background is sure: below 0
    assert float(head.loss(features(), [], {})['loss_background']) == 0
    head.next_round()  # the last limits count for all further ones
    assert float(head.loss(features(), [], {})['loss_background']) == 0


def test_only_the_network_learns_and_a_checkpoint_holds_its_teacher() -> None:
    head = make_head(dropout_ratio=0.5)
    before = {k: v.clone() for k, v in head.teacher.state_dict().items()}
    head.next_round()
    sum(head.loss(features(), [], {}).values()).backward()
    trained = {name for name, p in head.named_parameters() if p.requires_grad}
    assert trained == {*('hidden.1.weight', 'hidden.1.bias', 'conv_seg.weight', 'conv_seg.bias')}
    assert all(head.get_parameter(name).grad is not None for name in trained)
    assert not head.teacher.training and head.train().hidden.training
    torch.manual_seed(7)
    other = ForegroundHead([3, 2], [0, 2], channels=5)
    other.load_state_dict(head.state_dict())
    assert int(other.round) == 1
    for key, value in other.teacher.state_dict().items():
        assert torch.equal(value, head.teacher.state_dict()[key])
        assert key.endswith('bias') or 'running' in key or torch.equal(before[key], value)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(sure_background=0.8), 'no background above its foreground; got 0.8 and 0.7'),
        (dict(teacher_foreground=1.5), r'must be in 0..1.*got 0.3 and 1.5'),
        (dict(teacher_background=()), 'teacher_background must not be empty'),
    ],
)
def test_wrong_limits(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_head(**options)


def test_without_maps() -> None:
    with pytest.raises(InputError, match='needs the localization maps of a.jpg: set data_prefix'):
        make_head().loss(features(), [SegDataSample(metainfo=dict(img_path='a.jpg'))], {})
