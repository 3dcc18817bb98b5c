"""The registered layers: what they add to the operation."""

import pytest
import torch
from mmseg.registry import MODELS
from torch.testing import assert_close

from mmdrs.errors import InputError
from mmdrs.models.layers import build_drs
from mmdrs.models.ops.suppression import suppress


def test_delta_is_checked() -> None:
    for delta in (0, -0.1, 1.01):
        with pytest.raises(ValueError, match=r'delta must be in \(0, 1\].*got'):
            MODELS.build(dict(type='DRS', delta=delta))


def test_constant_layer() -> None:
    x = torch.randn(2, 3, 5, 6)
    assert_close(MODELS.build(dict(type='DRS', delta=0.4))(x), suppress(x, 0.4))
    assert_close(MODELS.build(dict(type='DRS', delta=1.0))(x), x.relu())


def test_learnable_starts_near_one_half() -> None:
    torch.manual_seed(0)
    layer = build_drs(dict(type='LearnableDRS'), channels=64)
    layer.init_weights()
    assert layer.controller.weight.shape == (64, 64)
    assert layer.controller.weight.std().item() == pytest.approx(0.01, rel=0.1)
    x = torch.rand(1, 64, 8, 8)
    share = layer(x).amax((2, 3)) / x.amax((2, 3))
    assert_close(share, torch.full_like(share, 0.5), atol=0.05, rtol=0)


def test_an_inherited_argument_is_named() -> None:
    """A config that changes the type inherits the other arguments."""
    with pytest.raises(InputError, match=r"takes no 'delta'.*dict\(_delete_=True, type='Learn"):
        build_drs(dict(type='LearnableDRS', delta=0.8), channels=4)
    assert build_drs(dict(type='DRS', delta=0.8, inplace=True), channels=4).delta == 0.8
