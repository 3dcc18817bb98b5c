"""Constants of labels and pseudo labels; the values are those of the released code, stage 3."""

IGNORE_LABEL = 255
"""The value of pixels without a class in masks and pseudo labels; losses and scores skip them."""

MAP_THRESHOLD = 0.2
"""A localization map, 0..1, counts as 0 where it is below this value."""

CONFIDENT_THRESHOLD = 0.9
"""Pixels where three or more scores, background included, are above this value are ignored."""

SALIENCY_THRESHOLD = 50
"""A pixel whose saliency, 0..255, is above this value is foreground."""
