"""Transforms for image labels, localization maps and saliency maps."""

from .color_jitter import ColorJitter
from .formatting import PackDRSInputs
from .geometric import PadWithMaps, RandomScale, ResizeWithMaps, SetOutputShape
from .loading import LoadLocalizationMap, LoadSaliencyMap

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
