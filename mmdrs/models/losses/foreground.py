"""Targets and loss of a class-agnostic foreground that is learned from localization maps."""

import torch
from torch import Tensor
from torch.nn import functional as F


def map_foreground(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """How much each pixel belongs to any class: the greatest of the maps, averaged over areas.

    Args:
        maps: Localization maps (N, K, H, W), 0..1; those of absent classes are 0.
        size: Height and width of the result.

    Returns:
        ``(N, 1, *size)``, 0..1.
    """
    return F.interpolate(maps.amax(dim=1, keepdim=True), size=size, mode='area')


def balanced_cross_entropy(
    logits: Tensor, score: Tensor, foreground: float, background: float
) -> tuple[Tensor, Tensor]:
    """Binary cross entropy of the sure pixels: the mean over each side, however few they are.

    Args:
        logits: (N, 1, H, W).
        score: How much each pixel is foreground, 0..1, of the same shape.
        foreground: Pixels whose score is above this are foreground ...
        background: ... those below this are background, and those between have no loss.

    Returns:
        The mean loss of the foreground and that of the background; 0 for a side without pixels.
    """
    sides = (score > foreground, F.softplus(-logits)), (score < background, F.softplus(logits))
    first, second = (
        torch.where(sure, loss, 0).sum() / sure.sum().clamp(min=1) for sure, loss in sides
    )
    return first, second
