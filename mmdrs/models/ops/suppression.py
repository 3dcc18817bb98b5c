"""Discriminative Region Suppression, the operation.

Paper: Kim, Han, Kim, *Discriminative Region Suppression for Weakly-Supervised Semantic
Segmentation*, AAAI 2021, https://arxiv.org/abs/2103.07246, section "Discriminative Region
Suppression module".

A classifier looks only at the most discriminative part of an object. DRS lowers the peak of every
feature channel, so that the network must use the rest of the object as well.

**Memory.** The operations save their output, which the next convolution saves anyway, and a few
numbers per channel: no more than an in-place ReLU. Composed of torch's own operations, DRS would
need 2.2 times the memory of the ReLU network (``docs/performance.md``).
"""

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def suppress(
    x: Tensor, control: float | Tensor, rectify: bool = True, inplace: bool = False
) -> Tensor:
    """Rectify ``x`` and cap every channel at a share of its own maximum.

    ``min(r, m * control)`` with ``r = relu(x)`` and ``m = max over H, W of r``. The maximum is not
    detached: the gradient of every suppressed pixel flows to the position of the maximum (the
    first of equal ones, row by row) and to the control. A pixel at the cap counts as suppressed.

    ``rectify=False`` is for signed features, such as those after GELU or a layer norm (not in the
    paper): ``min(x, m * control)`` with the same ``m``. Negative values and channels without a
    positive value stay as they are.

    Args:
        x: Features before or after a ReLU, (N, C, H, W), of any strides.
        control: Share of the maximum that is kept, in (0, 1]: a number, or (N, C, 1, 1).
        rectify: Set negative values to 0.
        inplace: Write into ``x``, as ``nn.ReLU(inplace=True)`` does: safe only if the op that
            produced ``x`` does not save its output (convolutions and norms do not). Ignored in
            compiled and exported graphs, where the compiler reuses memory.

    Returns:
        Suppressed features, (N, C, H, W).
    """
    # At least in single precision, also for features in half precision.
    control = torch.as_tensor(control, device=x.device)
    control = control.to(torch.promote_types(x.dtype, torch.float32))
    control = control.expand(x.shape[0], x.shape[1], 1, 1)
    inplace = inplace and not _graph_is_made()
    if not torch.is_grad_enabled():
        values = _rectified(x, rectify, inplace)
        maximum = values.amax(dim=(2, 3), keepdim=True)
        return _capped(values, maximum, control, own=rectify or inplace)
    return _Suppress.apply(x, control, rectify, inplace)


def suppress_by_controller(
    x: Tensor,
    weight: Tensor,
    strength: float | Tensor = 1.0,
    rectify: bool = True,
    inplace: bool = False,
) -> Tensor:
    """``suppress(x, with_strength(controls(x, weight), strength))`` as one operation.

    Values and gradients are the same. The controller's average alone would save ``relu(x)`` for
    the backward pass; here it uses the output instead.

    Args:
        x: Features, (N, C, H, W).
        weight: The controller ``W``, (C, C).
        strength: 0 is no suppression, 1 all of it.
        rectify: See :func:`suppress`.
        inplace: See :func:`suppress`.

    Returns:
        Suppressed features, (N, C, H, W).
    """
    inplace = inplace and not _graph_is_made()
    if not isinstance(strength, Tensor):
        strength = weight.new_tensor(strength)
    if not torch.is_grad_enabled():
        control = with_strength(controls(x, weight), strength)
        return suppress(x, control, rectify, inplace)
    return _SuppressByController.apply(x, weight, strength, rectify, inplace)


def controls(x: Tensor, weight: Tensor) -> Tensor:
    """Control values (N, C, 1, 1) in (0, 1): ``sigmoid(W @ mean over H, W of relu(x))``.

    Args:
        x: Features, (N, C, H, W).
        weight: The controller ``W``, (C, C).
    """
    return _controls(_average(F.relu(x), weight), weight)


def with_strength(control: Tensor, strength: Tensor) -> Tensor:
    """``1 - strength * (1 - control)``; at full strength the control itself, bit by bit."""
    return torch.lerp(torch.ones_like(control), control, strength.to(control.dtype))


class _Suppress(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, control: Tensor, rectify: bool, inplace: bool) -> Tensor:
        if inplace:
            ctx.mark_dirty(x)
        values = _rectified(x, rectify, inplace)
        maximum, position = _peak(values)
        output = _capped(values, maximum, control, own=rectify or inplace)
        ctx.save_for_backward(output, maximum, control, position)
        ctx.rectify = rectify
        return output

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        # The decorator, as torch declares it, hides the names of the arguments.
        output, maximum, control, position = ctx.saved_tensors
        gradients = _gradients(grad, output, maximum, control, position, ctx.rectify)
        return (*gradients, None, None)


class _SuppressByController(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, strength: Tensor, rectify: bool, inplace: bool
    ) -> Tensor:
        if inplace:
            ctx.mark_dirty(x)
        values = _rectified(x, rectify, inplace)
        maximum, position = _peak(values)
        average = _average(values if rectify else F.relu(values), weight)
        raw = _controls(average, weight)
        control = with_strength(raw, strength).to(torch.promote_types(x.dtype, torch.float32))
        output = _capped(values, maximum, control, own=rectify or inplace)
        ctx.save_for_backward(output, maximum, control, position, average, raw, weight, strength)
        ctx.rectify = rectify
        return output

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        output, maximum, control, position, average, raw, weight, strength = ctx.saved_tensors
        grad_x, grad_control = _gradients(grad, output, maximum, control, position, ctx.rectify)
        # Sigmoid, matrix, average: each in the precision of its forward pass.
        share = grad_control.to(raw.dtype) * strength.to(raw.dtype) * raw * (1 - raw)
        share = share.flatten(1)  # (N, C), of the sum before the sigmoid
        grad_weight = (share.t() @ average).to(weight.dtype)
        pixels = output.shape[2] * output.shape[3]
        grad_average = (share @ weight.to(share.dtype) / pixels).to(output.dtype)[:, :, None, None]
        # A value is positive before the suppression where it is positive after it.
        return grad_x + (output > 0) * grad_average, grad_weight, None, None, None


def _average(rectified: Tensor, weight: Tensor) -> Tensor:
    """The average over H, W (N, C), in the precision of the controller or in single precision."""
    return rectified.mean(dim=(2, 3), dtype=torch.promote_types(weight.dtype, torch.float32))


def _controls(average: Tensor, weight: Tensor) -> Tensor:
    device = average.device.type
    autocast = torch.amp.is_autocast_available(device)  # not on 'meta'
    with torch.autocast(device, enabled=False) if autocast else nullcontext():
        product = F.linear(average, weight.to(average.dtype))
    return torch.sigmoid(product)[:, :, None, None]


def _rectified(x: Tensor, rectify: bool, inplace: bool) -> Tensor:
    if not rectify:
        return x
    return x.relu_() if inplace else x.relu()


def _peak(values: Tensor) -> tuple[Tensor, Tensor]:
    """Maximum (N, C, 1, 1) and its first position (N, C, 1), counted row by row.

    Reductions without an index are several times faster, so the indices come from one row only.
    """
    if values.is_contiguous():
        rows = values.amax(dim=3)  # (N, C, H)
    else:  # channels last: 30 times faster if the result is channels last as well
        rows = values.permute(0, 2, 3, 1).amax(dim=2).transpose(1, 2)
    row = rows.argmax(dim=2)[:, :, None, None]  # (N, C, 1, 1)
    width = values.shape[3]
    column = values.gather(2, row.expand(-1, -1, 1, width)).argmax(dim=3, keepdim=True)
    return rows.amax(dim=2)[:, :, None, None], (row * width + column).flatten(2)


def _capped(values: Tensor, maximum: Tensor, control: Tensor, own: bool) -> Tensor:
    """The values up to the cap; ``own`` values may be overwritten."""
    # Without a positive value there is no peak, and nothing to suppress.
    cap = torch.where(maximum > 0, _rounded_up(maximum * control, values.dtype), maximum)
    if own and not _graph_is_made():
        return values.clamp_max_(cap)
    return torch.minimum(values, cap)


def _rounded_up(cap: Tensor, dtype: torch.dtype) -> Tensor:
    """Round positive values to the next larger one of ``dtype``.

    In half precision many features are equal to the rounded cap. Those that are below the exact
    cap would count as suppressed in the backward pass if it was rounded down. By its bits, because
    compilers leave out a rounding that is followed by a comparison in single precision.
    """
    if dtype.itemsize > 2:
        return cap.to(dtype)
    dropped = int(torch.finfo(dtype).eps * 2**23) - 1  # bits that float32 has and dtype has not
    bits = (cap.float().view(torch.int32) + dropped) & ~dropped
    return bits.view(torch.float32).to(dtype)


def _graph_is_made() -> bool:
    """Whether this is compiled, exported or traced, where nothing may be written in place."""
    # Documented, though torch does not mark it as exported.
    tracing = torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    return torch.compiler.is_compiling() or tracing


def _gradients(
    grad: Tensor, output: Tensor, maximum: Tensor, control: Tensor, position: Tensor, rectify: bool
) -> tuple[Tensor, Tensor]:
    """Gradients with respect to the features (N, C, H, W) and the control (N, C, 1, 1)."""
    # The cap is read from the output: `maximum * control` may be rounded otherwise here than in
    # the forward pass, because a compiler fuses it with other operations.
    row, column = position // output.shape[3], position % output.shape[3]
    image = torch.arange(output.shape[0], device=output.device)[:, None, None]
    channel = torch.arange(output.shape[1], device=output.device)[:, None]
    cap = output[image, channel, row, column][..., None]  # (N, C, 1, 1)
    suppressed = output >= torch.where(maximum > 0, cap, torch.inf)
    # Filled masks and ReLU's backward pass take a third of the time of products with masks.
    grad = torch.ops.aten.threshold_backward(grad, output, 0) if rectify else grad.clone()
    # The gradient of suppressed pixels goes to the cap: to the maximum and to the control. It is a
    # difference of sums, which needs more digits than half precision has.
    before = grad.sum(dim=(2, 3), keepdim=True, dtype=control.dtype)
    flat = grad.masked_fill_(suppressed, 0).flatten(2)  # a copy where the strides are unusual
    total = before - grad.sum(dim=(2, 3), keepdim=True, dtype=control.dtype)
    flat.scatter_add_(2, position, (total * control).to(grad.dtype).flatten(2))
    return flat.view_as(output), total * maximum
