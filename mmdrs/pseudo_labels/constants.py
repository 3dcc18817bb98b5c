"""Numbers of the method that maps, labels and scores share, each defined once."""

from mmdrs.models.utils.cam import MAP_THRESHOLD

__all__ = ['CONFIDENT_THRESHOLD', 'IGNORE_LABEL', 'MAP_THRESHOLD', 'SALIENCY_THRESHOLD']

#: Label of a pixel that neither trains nor counts as ground truth; VOC's void, and the
#: ``ignore_index`` of MMSegmentation.
IGNORE_LABEL = 255
#: Channels of a pseudo label above this are confident, 0..1 (released code, stage 3).
CONFIDENT_THRESHOLD = 0.9
#: Salient is what exceeds this level, 0..255 (released code, stage 3).
SALIENCY_THRESHOLD = 50
