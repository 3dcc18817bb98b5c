"""Targets and losses beyond those of MMSegmentation."""

from .foreground import balanced_cross_entropy, map_foreground
from .self_training import self_labels

__all__ = ['balanced_cross_entropy', 'map_foreground', 'self_labels']
