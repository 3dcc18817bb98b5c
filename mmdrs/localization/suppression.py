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


def suppress(x: Tensor, control: float | Tensor) -> Tensor:
    """Rectify ``x`` and cap every channel at a share of its own maximum.

    ``min(r, m * control)`` with ``r = relu(x)`` and ``m = max over H, W of r``. The maximum is not
    detached: the gradient of every suppressed pixel flows to the position of the maximum (and to
    the controller).

    Args:
        x: Features after a convolution (or after its ReLU), (N, C, H, W).
        control: Share of the maximum that is kept, in (0, 1]: one number, or (N, C, 1, 1).
            With 1 this is a ReLU.

    Returns:
        Suppressed features, (N, C, H, W).
    """
    rectified = F.relu(x)
    maximum = rectified.amax(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
    return torch.minimum(rectified, maximum * control)


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
