"""Pixel-adaptive refinement: maps that follow the colours of the image, by local averaging.

L. Ru et al., "Learning Affinity from Attention" (AFA), CVPR 2022, section 3.3. Its successors
ToCo, SeCo, MoRe, ExCEL and WeCLIP use it in the place of a dense CRF.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.steps import MapRefinement
from mmdrs.registry import MAP_REFINEMENTS

#: Width of both terms, in standard deviations of the neighbours.
_WIDTH = 0.3
#: Weight of the position term.
_POSITION = 0.01
_EPSILON = 1e-8
_DIRECTIONS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]


@MAP_REFINEMENTS.register_module()
@dataclass(frozen=True)
class PAR(MapRefinement):
    """Pixel-adaptive refinement of the maps of an image, before they become a label.

    Attributes:
        dilations: Distances of the neighbours in pixels, 8 neighbours each.
        iterations: How often the maps are averaged.
        downscale: Image and maps are made smaller by this factor first; 2 costs a quarter.

    Raises:
        InputError: If a number is out of range.
    """

    dilations: Sequence[int] = (1, 2, 4, 8, 12, 24)
    iterations: int = 10
    downscale: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, 'dilations', tuple(self.dilations))
        numbers = dict(iterations=self.iterations, downscale=self.downscale)
        numbers |= {f'dilations[{i}]': value for i, value in enumerate(self.dilations)}
        for name, value in numbers.items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f'refine: {name} must be a whole number from 1, got {value!r}')
        if not self.dilations:
            raise InputError('refine: dilations must not be empty')

    def to_config(self) -> dict[str, Any]:
        """Every value; without the type, which records of earlier versions do not name."""
        return asdict(self)

    def refine(self, image: np.ndarray, maps: np.ndarray) -> np.ndarray:
        """Refine the maps of one image; their size and their scale stay.

        The weights of a pixel sum to 1.01, which is divided out: thresholds and a constant
        background keep their meaning. AFA refines the background channel too, to the same effect.

        Args:
            image: Red, green and blue, uint8 (H, W, 3).
            maps: float32 (K, H, W); each channel is refined by itself.
        """
        if not len(maps):
            return maps
        # A copy: PyTorch warns of read-only arrays, which PIL gives.
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float()
        channels = torch.from_numpy(np.ascontiguousarray(maps, np.float32))[None]
        size = maps.shape[1:]
        small = [math.ceil(side / self.downscale) for side in size]
        refined = pixel_adaptive_refinement(
            pixels, _resized(channels, small), self.dilations, self.iterations
        )
        growth = (1 + _POSITION) ** self.iterations
        return _resized(refined / growth, size)[0].numpy()


def pixel_adaptive_refinement(
    images: Tensor, maps: Tensor, dilations: Sequence[int], iterations: int
) -> Tensor:
    """Refine maps: each pixel becomes the weighted sum of its neighbours, again and again.

    The weights of the 8 x D neighbours are held, the neighbours themselves are not: the maps are
    summed up neighbour by neighbour.

    Args:
        images: (N, 3, H, W), 0..255; resized to the maps where they differ in size.
        maps: (N, C, h, w).
        dilations: Distances of the neighbours, in pixels of the maps.
        iterations: Number of averages.

    Returns:
        (N, C, h, w). A pixel's weights sum to 1.01, so that maps grow a little.
    """
    images = _resized(images.to(maps.dtype), maps.shape[2:])
    weights = neighbour_weights(images, dilations)
    for _ in range(iterations):
        total = torch.zeros_like(maps)
        for index, neighbour in enumerate(_neighbours(maps, dilations)):
            total.addcmul_(weights[:, index : index + 1], neighbour)
        maps = total
    return maps


def neighbour_weights(images: Tensor, dilations: Sequence[int]) -> Tensor:
    """The weights of the neighbours of each pixel, (N, 8 x D, H, W).

    Softmax over the neighbours of the colour term -(|I_k - I| / s / 0.3)^2, averaged over the
    channels, plus 0.01 times that of the position term -(r_k / t / 0.3)^2. ``s`` and ``t`` are
    the unbiased standard deviations of the neighbours' colours and distances.

    Args:
        images: (N, 3, H, W).
        dilations: Distances of the neighbours in pixels.
    """
    count = len(_DIRECTIONS) * len(dilations)
    mean = sum(_neighbours(images, dilations)) / count
    spread = torch.zeros_like(images)
    for neighbour in _neighbours(images, dilations):
        spread += (neighbour - mean) ** 2
    spread = (spread / (count - 1)).sqrt_().add_(_EPSILON).mul_(_WIDTH)
    weights = images.new_empty(len(images), count, *images.shape[2:])
    for index, neighbour in enumerate(_neighbours(images, dilations)):
        weights[:, index] = -(((neighbour - images) / spread) ** 2).mean(dim=1)
    distances = images.new_tensor(
        [d * math.hypot(*step) for d in dilations for step in _DIRECTIONS]
    )
    position = -((distances / (distances.std() + _EPSILON) / _WIDTH) ** 2)
    weights = weights.softmax(dim=1)
    return weights.add_(_POSITION * position.softmax(dim=0)[:, None, None])


def _neighbours(values: Tensor, dilations: Sequence[int]) -> Iterator[Tensor]:
    """The neighbours (N, C, H, W) of all pixels, one direction after the other; views."""
    height, width = values.shape[2:]
    for dilation in dilations:
        padded = F.pad(values, [dilation] * 4, mode='replicate')
        for y, x in _DIRECTIONS:
            top, left = dilation * (1 + y), dilation * (1 + x)
            yield padded[:, :, top : top + height, left : left + width]


def _resized(values: Tensor, size: Sequence[int]) -> Tensor:
    if tuple(values.shape[2:]) == tuple(size):
        return values
    return F.interpolate(values, size=tuple(size), mode='bilinear', align_corners=True)
