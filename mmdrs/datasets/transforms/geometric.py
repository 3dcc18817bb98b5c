"""Resizing and padding where MMSegmentation's own transforms do not fit soft maps.

Stock ``Resize``, ``RandomResize``, ``RandomFlip`` and ``RandomCrop`` transform the maps too, but
``Pad`` does not, and ``Resize`` takes the nearest pixel, as for class indices.
"""

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
from mmcv.transforms import BaseTransform, Pad
from mmcv.transforms.utils import cache_randomness
from mmseg.datasets.transforms import Resize
from mmseg.registry import TRANSFORMS

from mmdrs.datasets.transforms.loading import MAP_KEYS
from mmdrs.errors import InputError


@TRANSFORMS.register_module()
class ResizeWithMaps(Resize):
    """``Resize`` that interpolates localization and saliency maps as it does the image.

    The parent also drops the last axis of the map of a single class, and fails above 128 classes,
    the limit of OpenCV 5. For random scales:
    ``dict(type='RandomResize', resize_type='ResizeWithMaps', ...)``.
    """

    def _resize_seg(self, results: dict) -> None:
        maps = {key: results.pop(key) for key in MAP_KEYS if key in results}
        super()._resize_seg(results)
        height, width = results['img'].shape[:2]
        for key, value in maps.items():
            results[key] = _resize_map(value, height, width)


@TRANSFORMS.register_module()
class RandomScale(BaseTransform):
    """Resize an image by a random factor of its own size, ratio kept.

    MMSegmentation's ``RandomResize`` takes factors of one fixed size instead.

    Args:
        factors: To choose from; give either this ...
        factor_range: ... or this, to draw from uniformly.
        backend: ``'cv2'`` or ``'pillow'``, as in ``Resize``.

    Raises:
        InputError: If both or none is given.
    """

    def __init__(
        self,
        factors: Sequence[float] | None = None,
        factor_range: tuple[float, float] | None = None,
        backend: str = 'cv2',
    ) -> None:
        if (factors is None) == (factor_range is None):
            raise InputError('RandomScale: give either factors or factor_range')
        self.factors = factors
        self.factor_range = factor_range
        self.resize = Resize(scale=(1, 1), keep_ratio=False, backend=backend)

    def transform(self, results: dict) -> dict:
        """Resize the image and its label; adds ``scale`` (width, height)."""
        factor = self._factor()
        height, width = results['img'].shape[:2]
        self.resize.scale = (int(width * factor), int(height * factor))
        return cast(dict, self.resize(results))

    @cache_randomness
    def _factor(self) -> float:
        if self.factors is not None:
            return float(np.random.choice(self.factors))
        low, high = cast(tuple[float, float], self.factor_range)
        return float(np.random.uniform(low, high))


@TRANSFORMS.register_module()
class PadWithMaps(Pad):
    """``Pad`` that also pads localization and saliency maps, with 0: neither class nor salient."""

    def _pad_seg(self, results: dict) -> None:
        super()._pad_seg(results)
        height, width = results['img'].shape[:2]
        for key in MAP_KEYS:
            if key in results:
                value = results[key]
                rest = [(0, 0)] * (value.ndim - 2)
                pads = [(0, height - value.shape[0]), (0, width - value.shape[1]), *rest]
                results[key] = np.pad(value, pads)


@TRANSFORMS.register_module()
class SetOutputShape(BaseTransform):
    """Return and score predictions at the present size of the image.

    MMSegmentation resizes predictions to ``ori_shape``, the size of the image file. A pipeline
    that also crops or resizes the *masks*, as released evaluations do, needs this at its end.

    Required key: ``img_shape``. Modified key: ``ori_shape``.
    """

    def transform(self, results: dict) -> dict:
        """Replace ``ori_shape``."""
        results['ori_shape'] = tuple(results['img_shape'][:2])
        return results


def _resize_map(value: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize uint8 (H, W) or (H, W, C) bilinearly; channels without any value stay 0."""
    if value.ndim == 2:
        return cv2.resize(value, (width, height), interpolation=cv2.INTER_LINEAR)
    resized = np.zeros((height, width, value.shape[2]), value.dtype)
    # An image holds one to three of the classes: far cheaper than resizing all channels.
    for channel in np.flatnonzero(value.any(axis=(0, 1))):
        plane = np.ascontiguousarray(value[..., channel])
        resized[..., channel] = cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR)
    return resized
