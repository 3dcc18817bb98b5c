"""Class activation maps and localization maps.

A *localization map* says for each pixel how much it belongs to a foreground class, 0..1. Files
hold it in 256 levels (``uint8``, truncated).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

#: A map value below this is background, 0..1 (released code, all stages). Defined here because
#: models must not import ``mmdrs.pseudo_labels.constants``, which exports it as well.
MAP_THRESHOLD = 0.2


def resize_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (N, K, h, w) to (N, K, H, W): bilinear, corners aligned as in the released code.

    ``size`` is (H, W).
    """
    if maps.shape[2:] == tuple(size):
        return maps
    return F.interpolate(maps, size=tuple(size), mode='bilinear', align_corners=True)


def resize_array(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """:func:`resize_maps` for one image, float32: (K, h, w) to (K, H, W)."""
    if not len(maps):
        return np.zeros((0, *size), np.float32)
    return resize_maps(torch.from_numpy(maps)[None], size)[0].numpy()


def normalize_maps(maps: Tensor) -> Tensor:
    """Divide each of the rectified maps (N, K, H, W) by its maximum; a zero map stays zero."""
    # The released code's epsilon.
    return maps / (maps.amax(dim=(2, 3), keepdim=True) + 1e-5)


def localization_maps(class_maps: Tensor, size: tuple[int, int], normalize: bool = True) -> Tensor:
    """Raw class maps (N, K, h, w) to localization maps (N, K, H, W), 0..1; ``size`` is (H, W).

    ReLU, resize, normalise, in this order. ``normalize`` is off where maps are summed up first.
    """
    maps = resize_maps(F.relu(class_maps), size)
    return normalize_maps(maps) if normalize else maps


def merge_scales(maps: Sequence[Tensor]) -> Tensor:
    """Element-wise maximum of the normalised maps of several image scales (equal shapes)."""
    return torch.stack(list(maps)).amax(dim=0)


def sum_scales(maps: Sequence[Tensor]) -> Tensor:
    """Sum of the rectified maps of several views (equal shapes), not yet normalised."""
    return torch.stack(list(maps)).sum(dim=0)


def to_levels(maps: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Quantise maps, clipped to 0..``scale``, to levels 0..255 (truncated, released code)."""
    return np.clip(maps * np.float32(255.0 / scale), 0, 255).astype(np.uint8)


def refinement_target(maps: Tensor) -> Tensor:
    """Target of refinement learning (paper, section "Localization Map Refinement Learning").

    Keeps a map where its class has the pixel's maximum (ties too); 0 elsewhere.

    Args:
        maps: Localization maps of all foreground classes, absent ones 0: (N, K, H, W).
    """
    return torch.where(maps == maps.amax(dim=1, keepdim=True), maps, maps.new_zeros(()))
