"""Class activation maps and localization maps: normalising, gating, merging, refinement target.

A *localization map* of an image holds for every foreground class how much each pixel belongs to
it, 0..1. It is stored in 256 levels (``uint8``, truncated).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

#: A map value below this is background, 0..1 (released code, all stages). It is defined here and
#: not in ``mmdrs.pseudo_labels.constants``, which hands it on: models import no other part.
MAP_THRESHOLD = 0.2
#: Added to the maximum of a map before the division, as the released code does.
EPSILON = 1e-5


def resize_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize with aligned corners, the convention of all maps of the reference.

    Args:
        maps: (N, K, h, w), floating point.
        size: Height and width of the result.
    """
    if maps.shape[2:] == tuple(size):
        return maps
    return F.interpolate(maps, size=tuple(size), mode='bilinear', align_corners=True)


def resize_array(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """:func:`resize_maps` of the maps of one image, float32: (K, h, w) -> (K, *size)."""
    if not len(maps):
        return np.zeros((0, *size), np.float32)
    return resize_maps(torch.from_numpy(maps)[None], size)[0].numpy()


def normalize_maps(maps: Tensor) -> Tensor:
    """Divide each map by its own maximum.

    Args:
        maps: Rectified class maps (N, K, H, W), >= 0.

    Returns:
        Maps of the same shape, 0..1 (a map that is 0 everywhere stays 0).
    """
    return maps / (maps.amax(dim=(2, 3), keepdim=True) + EPSILON)


def localization_maps(class_maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Localization maps of raw class maps: ReLU, resize, normalise, in this order.

    Args:
        class_maps: Raw class maps, (N, K, h, w).
        size: Height and width of the result.

    Returns:
        (N, K, H, W), 0..1.
    """
    return normalize_maps(resize_maps(F.relu(class_maps), size))


def merge_scales(maps: Sequence[Tensor]) -> Tensor:
    """Element-wise maximum of the normalised maps of several image scales (equal shapes)."""
    return torch.stack(list(maps)).amax(dim=0)


def to_levels(maps: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Quantise maps to ``uint8(map / scale * 255)``, truncated as in the released code.

    Args:
        maps: Values 0..``scale``; what lies outside is clipped.
        scale: The value that level 255 represents.
    """
    return np.clip(maps * np.float32(255.0 / scale), 0, 255).astype(np.uint8)


def refinement_target(maps: Tensor) -> Tensor:
    """What refinement learning regresses (paper, section "Localization Map Refinement Learning").

    A map is kept where its class is the per-pixel maximum over the classes (ties are kept) and is
    0 elsewhere.

    Args:
        maps: Localization maps of all foreground classes, absent ones 0: (N, K, H, W).
    """
    return torch.where(maps == maps.amax(dim=1, keepdim=True), maps, maps.new_zeros(()))
