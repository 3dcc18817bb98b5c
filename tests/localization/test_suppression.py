"""The operation against the released layer and against its equation."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from mmdrs.localization.suppression import controls, suppress
from tests import golden


@pytest.mark.parametrize('delta', [0.3, 0.55, 0.9, 1.0])
def test_constant_matches_released_layer(delta: float) -> None:
    data = golden.load('drs_layer')
    x = torch.from_numpy(data['x']).requires_grad_()
    out = suppress(x, delta)
    out.backward(torch.from_numpy(data['up']))
    assert_close(out.detach().numpy(), data[f'const_{delta}_out'])
    assert_close(x.grad.numpy(), data[f'const_{delta}_gx'], rtol=1e-4, atol=1e-5)


def test_learnable_matches_released_layer() -> None:
    data = golden.load('drs_layer')
    x = torch.from_numpy(data['x']).requires_grad_()
    weight = torch.from_numpy(data['w']).requires_grad_()
    out = suppress(x, controls(x, weight))
    out.backward(torch.from_numpy(data['up']))
    assert_close(out.detach().numpy(), data['learn_out'])
    assert_close(x.grad.numpy(), data['learn_gx'], rtol=1e-4, atol=1e-5)
    assert_close(weight.grad.numpy(), data['learn_gw'], rtol=1e-4, atol=1e-5)


def test_hand_worked() -> None:
    x = torch.tensor([[[[-1.0, 2.0], [4.0, 10.0]]]], requires_grad=True)
    out = suppress(x, 0.3)
    assert_close(out, torch.tensor([[[[0.0, 2.0], [3.0, 3.0]]]]))
    out.sum().backward()
    # Two pixels are capped at 0.3 of the maximum: it receives 0.3 from each, itself included.
    assert_close(x.grad, torch.tensor([[[[0.0, 1.0], [0.0, 0.6]]]]))


def test_equation_pixel_by_pixel() -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(3, 3, generator=torch.Generator().manual_seed(1))
    out = suppress(x, controls(x, weight)).numpy()
    r = np.maximum(x.numpy(), 0)
    for n in range(2):
        average = r[n].mean(axis=(1, 2))
        for c in range(3):
            control = 1 / (1 + np.exp(-(weight.numpy()[c] @ average)))
            np.testing.assert_allclose(
                out[n, c], np.minimum(r[n, c], r[n, c].max() * control), rtol=1e-5
            )


def test_gradcheck() -> None:
    x = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: suppress(a, 0.55), (x,))
    assert torch.autograd.gradcheck(lambda a, w: suppress(a, controls(a, w)), (x, weight))
