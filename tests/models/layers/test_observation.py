"""What DRS layers are seen doing."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mmdrs.models import DRS, LearnableDRS
from mmdrs.models.layers.observation import observed, without_drs


def test_share_and_control_by_hand() -> None:
    """Channel 1: 1, 2, 4, 10 with the cap 5, one of four is capped; channel 2 has one positive."""
    model = nn.Sequential(DRS(0.5))
    x = torch.tensor([[[[1.0, 2.0], [4.0, 10.0]], [[-1.0, 0.0], [3.0, -2.0]]]])
    with observed(model) as found:
        model(x)
        model[0].strength.fill_(0.5)  # control .75: caps 7.5 and 2.25
        model(x)
    first, second = found['0']
    assert first.suppressed == 2 / 5 and first.control.tolist() == [0.5]
    assert second.suppressed == 2 / 5 and second.control.tolist() == [0.75]
    model(x)
    assert len(found['0']) == 2  # nothing is seen outside


def test_tokens_and_learned_controls() -> None:
    layer = LearnableDRS(4, rectify=False, layout='nlc')
    x = torch.randn(2, 9, 4)
    with observed(nn.Sequential(layer)) as found:
        out = layer(x)
    (seen,) = found['0']
    assert seen.control.shape == (8,)
    changed = (out != x).sum() / (x > 0).sum()
    assert seen.suppressed == pytest.approx(changed.item())


def test_without_drs_is_the_relu() -> None:
    model = nn.Sequential(DRS(0.3), nn.Flatten())
    x = torch.randn(1, 2, 3, 3)
    suppressed = model(x)
    model[0].strength.fill_(0.5)
    with without_drs(model):
        assert_close(model(x), x.relu().flatten(1))
    assert model[0].strength == 0.5 and not torch.equal(suppressed, x.relu().flatten(1))
