"""Class activation maps."""

from .cam import localization_maps, merge_scales, normalize_maps, refinement_target, resize_maps

__all__ = [
    'localization_maps',
    'merge_scales',
    'normalize_maps',
    'refinement_target',
    'resize_maps',
]
