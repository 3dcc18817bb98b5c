"""Dense conditional random field: class probabilities sharpened by the colours of the image.

Krähenbühl and Koltun, "Efficient Inference in Fully Connected CRFs with Gaussian Edge Potentials",
NeurIPS 2011. The inference is that of ``pydensecrf``, an optional dependency.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from mmdrs.errors import InputError, check_keys

#: Lower bound of the probabilities: no class is ruled out, and the logarithm stays finite.
MIN_PROBABILITY = 1e-5


@dataclass(frozen=True)
class DenseCRF:
    """Mean-field inference with a smoothness and an appearance kernel (equations 3 and 9).

    The constants are those of the released code for the evaluation of DeepLab. Both kernels are
    normalised symmetrically, both have Potts compatibility.

    ``gaussian_*`` is the smoothness kernel, ``bilateral_*`` the appearance kernel; ``sxy`` is a
    standard deviation in pixels, ``srgb`` one in levels (0..255) of a colour.

    Raises:
        InputError: If a constant is out of range, or ``pydensecrf`` is not installed: raised here
            because the first image may be hours away.
    """

    iterations: int = 10
    gaussian_weight: float = 3
    gaussian_sxy: float = 1
    bilateral_weight: float = 4
    bilateral_sxy: float = 67
    bilateral_srgb: float = 3

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise InputError(f'crf: iterations must be 1 or more, got {self.iterations}')
        for name in ('gaussian_sxy', 'bilateral_sxy', 'bilateral_srgb'):
            if getattr(self, name) <= 0:
                raise InputError(f'crf: {name} must be above 0, got {getattr(self, name)}')
        _pydensecrf()

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None) -> 'DenseCRF | None':
        """From a config's ``crf``: a dict of constants, ``dict()`` for the defaults; None is off.

        Raises:
            InputError: If it is something else, or names an unknown constant.
        """
        if config is None:
            return None
        check_keys('crf', config, cls.__dataclass_fields__)
        return cls(**config)

    def refine(self, image: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Refine the class probabilities of one image.

        Args:
            image: Red, green and blue, uint8 (H, W, 3).
            probabilities: (K, H, W), summing to 1 over the classes.

        Returns:
            float32 (K, H, W), summing to 1. A single class (K = 1) is returned as it is.

        Raises:
            InputError: If the image is not uint8 RGB of the size of the probabilities.
        """
        classes, height, width = probabilities.shape
        if image.dtype != np.uint8 or image.shape != (height, width, 3):
            raise InputError(
                f'crf: the image must be uint8 of shape {(height, width, 3)}, as the '
                f'probabilities, got {image.dtype} of shape {image.shape}'
            )
        if classes < 2:
            return probabilities
        unary = -np.log(np.maximum(probabilities, MIN_PROBABILITY), dtype=np.float32)
        field = _pydensecrf().DenseCRF2D(width, height, classes)
        field.setUnaryEnergy(np.ascontiguousarray(unary.reshape(classes, -1)))
        field.addPairwiseGaussian(sxy=self.gaussian_sxy, compat=self.gaussian_weight)
        field.addPairwiseBilateral(
            sxy=self.bilateral_sxy,
            srgb=self.bilateral_srgb,
            # A copy: the library refuses read-only arrays, which PIL gives.
            rgbim=np.array(image, order='C'),
            compat=self.bilateral_weight,
        )
        refined = np.asarray(field.inference(self.iterations), np.float32)
        return refined.reshape(classes, height, width)


def _pydensecrf() -> ModuleType:
    try:
        importlib.import_module('pydensecrf')
        return importlib.import_module('pydensecrf.densecrf')  # compiled, without types
    except ImportError as error:
        raise InputError(
            f"the dense CRF needs pydensecrf: pip install 'mmdrs[crf]' ({error})"
        ) from error
