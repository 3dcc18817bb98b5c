"""The released procedures in plain PyTorch: the other side of the comparisons."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ComposedDRS(nn.Module):
    """DRS of the reference, out of torch's own operations, as the released layer is written.

    Rectify; maximum of every channel; expand; times the control; element-wise minimum.

    Args:
        delta: The control.
    """

    def __init__(self, delta: float) -> None:
        super().__init__()
        self.delta = delta

    def forward(self, x: Tensor) -> Tensor:
        """Suppress features (N, C, H, W)."""
        x = F.relu(x)
        maximum = x.flatten(2).max(dim=2)[0][:, :, None, None]
        return torch.minimum(x, maximum.expand_as(x) * self.delta)
