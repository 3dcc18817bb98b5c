"""Transforms for image labels, localization maps and saliency maps."""

from mmdrs.datasets.transforms.color_jitter import ColorJitter
from mmdrs.datasets.transforms.formatting import PackDRSInputs
from mmdrs.datasets.transforms.geometric import (
    PadWithMaps,
    RandomScale,
    ResizeWithMaps,
    SetOutputShape,
)
from mmdrs.datasets.transforms.loading import LoadLocalizationMap, LoadSaliencyMap

__all__ = [
    'ColorJitter',
    'LoadLocalizationMap',
    'LoadSaliencyMap',
    'PackDRSInputs',
    'PadWithMaps',
    'RandomScale',
    'ResizeWithMaps',
    'SetOutputShape',
]
