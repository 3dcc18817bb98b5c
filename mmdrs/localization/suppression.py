"""Discriminative Region Suppression, the operation.

Paper: Kim, Han, Kim, *Discriminative Region Suppression for Weakly-Supervised Semantic
Segmentation*, AAAI 2021, https://arxiv.org/abs/2103.07246, section "Discriminative Region
Suppression module".

A classifier looks at the most discriminative part of an object only. DRS lowers the peak of every
feature channel to a share of it, so that the network must use the rest of the object as well.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def suppress(x: Tensor, control: float | Tensor, rectify: bool = True) -> Tensor:
    """Rectify ``x`` and cap every channel at a share of its own maximum.

    ``min(r, m * control)`` with ``r = relu(x)`` and ``m = max over H, W of r``. The maximum is not
    detached: the gradient of every suppressed pixel flows to the position of the maximum (of
    several equal ones to one of them) and to the controller. A pixel at the cap counts as
    suppressed.

    For signed features, such as those behind GELU or a layer norm, ``rectify=False`` gives
    ``min(x, m * control)`` with the same ``m``: the positive peak is suppressed and what is
    negative stays as it is. A channel without any positive value is left alone. (Not in the
    paper, whose features are all rectified.)

    Args:
        x: Features after a convolution (or after its ReLU), (N, C, H, W).
        control: Share of the maximum that is kept, in (0, 1]: one number, or (N, C, 1, 1).
            With 1 this is a ReLU (without ``rectify``, nothing at all).
        rectify: Set negative values to 0.

    Returns:
        Suppressed features, (N, C, H, W).
    """
    if not isinstance(control, Tensor):
        control = x.new_tensor(control)
    # Under AMP the controller may be of another precision than the features.
    control = control.to(x.dtype).expand(x.shape[0], x.shape[1], 1, 1)
    return _Suppress.apply(x, control, rectify)


class _Suppress(torch.autograd.Function):
    """Keeps the output, the maxima and their positions for the backward pass, and no more.

    Composed of torch's own operations the layer is twice as slow and keeps the expanded maximum
    and both inputs of the minimum besides.
    """

    @staticmethod
    def forward(ctx, x: Tensor, control: Tensor, rectify: bool) -> Tensor:
        values = F.relu(x) if rectify else x
        maximum, position = values.flatten(2).max(dim=2, keepdim=True)  # (N, C, 1)
        maximum = maximum.unsqueeze(3)
        # Without a positive value there is no peak, and nothing to suppress.
        cap = torch.where(maximum > 0, maximum * control, maximum)
        output = torch.minimum(values, cap)
        ctx.save_for_backward(output, maximum, control, position)
        ctx.rectify = rectify
        return output

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        output, maximum, control, position = ctx.saved_tensors
        if ctx.rectify:
            grad = grad * (output > 0)
            free = grad * (output < maximum * control)
        else:
            free = grad * ((output < maximum * control) | (maximum <= 0))
        # What is not free is suppressed: its gradient goes to the cap, that is to the maximum and
        # to the control.
        cap = grad.sum((2, 3), keepdim=True) - free.sum((2, 3), keepdim=True)
        grad_x = free.flatten(2).scatter_add(2, position, (cap * control).flatten(2))
        return grad_x.view_as(output), cap * maximum, None


def controls(x: Tensor, weight: Tensor) -> Tensor:
    """Control values of the learnable controller: ``sigmoid(W @ mean over H, W of relu(x))``.

    Args:
        x: Features, (N, C, H, W).
        weight: The controller ``W``, (C, C).

    Returns:
        Control values in (0, 1), (N, C, 1, 1).
    """
    average = F.relu(x).mean(dim=(2, 3))  # (N, C)
    return torch.sigmoid(F.linear(average, weight))[:, :, None, None]
