"""The operation against its equation; tests/released compares it with the released layer."""

import numpy as np
import torch
from torch.testing import assert_close

from mmdrs.localization.suppression import controls, suppress


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


def test_keeps_little_for_the_backward_pass() -> None:
    """The output, and per channel the maximum, its position and the control."""
    saved = []
    x = torch.randn(2, 3, 8, 8, requires_grad=True)

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = suppress(x, 0.5)
    large = [t for t in saved if t.numel() == x.numel()]
    assert len(large) == 1 and torch.equal(large[0], out)
    assert all(t.numel() == 6 for t in saved if t is not large[0])


def test_compiled_and_other_layouts() -> None:
    x = torch.randn(2, 3, 6, 5, requires_grad=True)
    up = torch.randn(2, 3, 6, 5)
    out = suppress(x, 0.4)
    (expected,) = torch.autograd.grad(out, x, up)
    compiled = torch.compile(lambda a: suppress(a, 0.4), fullgraph=True, backend='aot_eager')
    last = x.detach().to(memory_format=torch.channels_last).requires_grad_()
    for function, inputs in ((compiled, x), (lambda a: suppress(a, 0.4), last)):
        again = function(inputs)
        assert_close(again, out)
        assert_close(torch.autograd.grad(again, inputs, up)[0], expected)


def test_precision_of_the_features_is_kept() -> None:
    x = torch.randn(1, 3, 4, 4, dtype=torch.bfloat16)
    assert suppress(x, torch.full((1, 3, 1, 1), 0.5)).dtype == torch.bfloat16
