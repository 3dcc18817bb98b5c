"""Segmentors."""

from mmdrs.models.segmentors.frozen_backbone_encoder_decoder import FrozenBackboneEncoderDecoder
from mmdrs.models.segmentors.image_label_encoder_decoder import (
    ImageLabelEncoderDecoder,
    image_label_metas,
)
from mmdrs.models.segmentors.multi_scale_encoder_decoder import MultiScaleEncoderDecoder

__all__ = [
    'FrozenBackboneEncoderDecoder',
    'ImageLabelEncoderDecoder',
    'MultiScaleEncoderDecoder',
    'image_label_metas',
]
