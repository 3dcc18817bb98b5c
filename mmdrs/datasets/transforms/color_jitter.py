"""The colour augmentation of the DRS classifier and refinement network."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmdrs.errors import InputError


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue, in random order.

    The operations equal PIL's ``ImageEnhance`` and a rotation of HSV's hue, up to rounding;
    MMSegmentation's ``PhotoMetricDistortion`` differs in all four. A value of 0 switches an
    operation off. Modified key: ``img``, BGR uint8 (H, W, 3).

    Args:
        brightness: The factor is uniform in [1 - brightness, 1 + brightness]; at most 1.
        contrast: Likewise; towards the mean grey of the image.
        saturation: Likewise; towards the grey of each pixel (ITU-R 601).
        hue: The shift is uniform in [-hue, hue], as a part of the full circle; at most 0.5.

    Raises:
        InputError: If a value is out of its range.
    """

    def __init__(
        self,
        brightness: float = 0.3,
        contrast: float = 0.3,
        saturation: float = 0.3,
        hue: float = 0.1,
    ) -> None:
        self.ranges = dict(
            brightness=brightness, contrast=contrast, saturation=saturation, hue=hue
        )
        for name, value in self.ranges.items():
            limit = 0.5 if name == 'hue' else 1
            if not 0 <= value <= limit:
                raise InputError(f'ColorJitter: {name} must be in [0, {limit}], got {value}')

    def transform(self, results: dict) -> dict:
        """Change the image.

        Raises:
            InputError: If the image is not uint8 with three channels.
        """
        img = results['img']
        if img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3:
            raise InputError(
                f'ColorJitter needs uint8 (H, W, 3), got {img.dtype} {img.shape} for '
                f'{results.get("img_path")}; put it before normalisation'
            )
        for index in np.random.permutation(len(_OPERATIONS)):
            name, operation = _OPERATIONS[index]
            extent = self.ranges[name]
            if extent:
                center = 0 if name == 'hue' else 1
                img = operation(img, center + np.random.uniform(-extent, extent))
        results['img'] = img
        return results

    def __repr__(self) -> str:
        return f'ColorJitter({", ".join(f"{k}={v}" for k, v in self.ranges.items())})'


def adjust_brightness(img: np.ndarray, factor: float) -> np.ndarray:
    """Multiply all channels of a uint8 image by ``factor``."""
    return cv2.LUT(img, _blend_table(0, factor))


def adjust_contrast(img: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the distance to the mean grey of a BGR uint8 image by ``factor``."""
    mean = int(cv2.cvtColor(img, cv2.COLOR_BGR2GRAY).mean() + 0.5)
    return cv2.LUT(img, _blend_table(mean, factor))


def adjust_saturation(img: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the distance of each pixel to its grey by ``factor``, BGR uint8."""
    grey = cv2.cvtColor(cv2.cvtColor(img, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(img, factor, grey, 1 - factor, 0)


def adjust_hue(img: np.ndarray, shift: float) -> np.ndarray:
    """Turn the hue of a BGR uint8 image by ``shift`` of the full circle."""
    hsv = cv2.cvtColor(img.astype(np.float32) / 255, cv2.COLOR_BGR2HSV)
    hsv[..., 0] = _within_a_turn(hsv[..., 0] + np.float32(360 * shift))
    return cv2.convertScaleAbs(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), alpha=255)


def _blend_table(origin: int, factor: float) -> np.ndarray:
    """``origin + factor * (level - origin)`` for all levels, float32 and truncated as in PIL."""
    levels = origin + np.float32(factor) * (np.arange(256, dtype=np.float32) - origin)
    return np.clip(levels, 0, 255).astype(np.uint8)


_OPERATIONS = (
    ('brightness', adjust_brightness),
    ('contrast', adjust_contrast),
    ('saturation', adjust_saturation),
    ('hue', adjust_hue),
)


def _within_a_turn(hue: np.ndarray) -> np.ndarray:
    """``hue % 360`` for hues from -360 to 720: the same bits in a quarter of the time."""
    full = np.float32(360)
    hue = hue - full * (hue >= full)
    return hue + full * (hue < 0)
