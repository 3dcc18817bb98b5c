"""The operation against its equation; tests/released compares it with the released layer."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from mmdrs.models.ops.suppression import (
    controls,
    suppress,
    suppress_by_controller,
    with_strength,
)


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
    for rectify in (True, False):
        assert torch.autograd.gradcheck(lambda a, r=rectify: suppress(a, 0.55, r), (x,))
        assert torch.autograd.gradcheck(
            lambda a, w, r=rectify: suppress(a, controls(a, w), r), (x, weight)
        )
        assert torch.autograd.gradcheck(
            lambda a, w, r=rectify: suppress_by_controller(a, w, 0.7, r), (x, weight)
        )


def test_controller_as_one_operation() -> None:
    """The values and gradients of the operations it is made of, channels without a peak too."""
    x = torch.randn(2, 3, 4, 5)
    x[1, 2] = -x[1, 2].abs()
    weight, strength, up = torch.randn(3, 3), torch.tensor(0.7), torch.randn(2, 3, 4, 5)

    def composed(a: torch.Tensor, w: torch.Tensor, rectify: bool) -> torch.Tensor:
        return suppress(a, with_strength(controls(a, w), strength), rectify)

    def whole(a: torch.Tensor, w: torch.Tensor, rectify: bool) -> torch.Tensor:
        return suppress_by_controller(a, w, strength, rectify)

    for rectify in (True, False):
        found = []
        for function in (composed, whole):
            inputs = x.clone().requires_grad_(), weight.clone().requires_grad_()
            out = function(*inputs, rectify)
            found.append((out, *torch.autograd.grad(out, inputs, up)))
        assert_close(found[0], found[1])
        with torch.no_grad():
            assert_close(whole(x, weight, rectify), found[0][0].detach())


def test_in_place() -> None:
    """The same values and gradients; the input holds the output; of whatever memory format."""
    x, weight, up = torch.randn(2, 3, 6, 5), torch.randn(3, 3), torch.randn(2, 3, 6, 5)

    def constant(a: torch.Tensor, rectify: bool, inplace: bool) -> torch.Tensor:
        return suppress(a, 0.4, rectify, inplace)

    def learned(a: torch.Tensor, rectify: bool, inplace: bool) -> torch.Tensor:
        return suppress_by_controller(a, weight, 1.0, rectify, inplace)

    for function in (constant, learned):
        for rectify in (True, False):
            leaf = x.clone().requires_grad_()
            expected = function(leaf, rectify, False)
            (gradient,) = torch.autograd.grad(expected, leaf, up)
            for memory in (torch.contiguous_format, torch.channels_last):
                leaf = x.clone(memory_format=memory).requires_grad_()
                features = leaf * 1  # what an operation returned that keeps no output
                out = function(features, rectify, True)
                assert out.data_ptr() == features.data_ptr()
                assert_close(out, expected)
                assert_close(torch.autograd.grad(out, leaf, up)[0], gradient)
                with torch.no_grad():
                    again = x.clone(memory_format=memory)
                    assert_close(function(again, rectify, True), expected.detach())
                    assert_close(again, expected.detach())


def test_unusual_strides() -> None:
    """A crop and a transposed tensor, neither contiguous nor channels last."""
    whole = torch.randn(2, 3, 9, 8)
    for view in (whole[:, :, 1:7, 2:7], whole.transpose(2, 3), whole.transpose(0, 1)):
        up = torch.randn(view.shape)
        found = []
        for x in (view.detach().requires_grad_(), view.contiguous().requires_grad_()):
            out = suppress(x, 0.4)
            found.append((out, torch.autograd.grad(out, x, up)[0]))
        assert_close(found[0], found[1])


def test_equal_maxima() -> None:
    """The gradient of the suppressed pixels goes to the first of them, row by row."""
    values = torch.tensor([[0.0, 1.0, 4.0], [4.0, 4.0, 1.0]])[None, None]
    for memory in (torch.contiguous_format, torch.channels_last):
        x = values.expand(1, 2, 2, 3).contiguous(memory_format=memory).requires_grad_()
        suppress(x, 0.5).sum().backward()
        # Three pixels at the cap of 2: half of the gradient of each goes to the first.
        expected = torch.tensor([[0.0, 1.0, 1.5], [0.0, 0.0, 1.0]])
        assert_close(x.grad, expected.expand(1, 2, 2, 3))


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

    saved.clear()
    weight = torch.randn(3, 3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = suppress_by_controller(x, weight)
    large = [t for t in saved if t.numel() == x.numel()]
    assert len(large) == 1 and torch.equal(large[0], out)


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


def _constant(x: torch.Tensor, control: torch.Tensor) -> torch.Tensor:
    return torch.minimum(x.relu(), x.relu().amax(dim=(2, 3), keepdim=True) * control)


def _learned(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    control = torch.sigmoid(x.relu().mean(dim=(2, 3)) @ weight.t())
    return _constant(x, control[:, :, None, None])


def _errors(
    function: Callable, reference: Callable, inputs: list[torch.Tensor], amp: bool = False
) -> list[float]:
    """Relative errors of the output and of all gradients against float64."""
    inputs = [tensor.detach().requires_grad_() for tensor in inputs]
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    with torch.autocast('cpu', torch.bfloat16, enabled=amp):
        out = function(*inputs)
    up = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(out.dtype)
    wanted = reference(*exact)
    found = [out, *torch.autograd.grad(out, inputs, up)]
    wanted = [wanted, *torch.autograd.grad(wanted, exact, up.double())]
    return [float((a.double() - b).norm() / b.norm()) for a, b in zip(found, wanted, strict=True)]


HALF = (torch.bfloat16, torch.float16)
#: Of the output, whose cap is rounded up (at most 0.8 % in bfloat16), and of both gradients.
LARGEST_ERRORS = (0.01, 0.005, 0.005)


def _features(dtype: torch.dtype) -> torch.Tensor:
    x = torch.randn(2, 16, 24, 24, generator=torch.Generator().manual_seed(0)).to(dtype)
    x[1, 3] = -x[1, 3].abs()
    return x


@pytest.mark.parametrize('dtype', HALF)
@pytest.mark.parametrize('delta', [0.3, 0.55, 0.9])
def test_gradients_in_half_precision(dtype: torch.dtype, delta: float) -> None:
    # Not the same for all: features are often equal to 0.55 of the maximum, where float64 decides
    # by the last digit.
    control = delta + 0.05 * torch.rand(2, 16, 1, 1, generator=torch.Generator().manual_seed(3))
    errors = _errors(suppress, _constant, [_features(dtype), control])
    assert np.all(np.less(errors, LARGEST_ERRORS)), errors


@pytest.mark.parametrize('compiled', [False, True])
@pytest.mark.parametrize('dtype', HALF)
def test_learned_gradients_in_half_precision(dtype: torch.dtype, compiled: bool) -> None:
    """Under AMP, with the matrix in half precision too, and compiled by Inductor."""
    weight = 0.3 * torch.randn(16, 16, generator=torch.Generator().manual_seed(2))
    if compiled:
        torch._dynamo.reset()
    for matrix in (weight, weight.to(dtype)):

        def function(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
            return suppress_by_controller(x, weight)

        if compiled:
            function = torch.compile(function, fullgraph=True)
        errors = _errors(function, _learned, [_features(dtype), matrix], amp=matrix is weight)
        assert np.all(np.less(errors, LARGEST_ERRORS)), errors


def test_meta_device() -> None:
    """Without values, as counters of FLOPs run a model."""
    x = torch.empty(2, 3, 4, 5, device='meta', requires_grad=True)
    weight = torch.empty(3, 3, device='meta', requires_grad=True)
    for out in (suppress(x, 0.5), suppress_by_controller(x, weight)):
        out.sum().backward()
        assert out.shape == x.grad.shape == x.shape
    assert weight.grad.shape == weight.shape
