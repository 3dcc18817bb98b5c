from mmdrs.models.backbones import CaffeResNet, DilatedVGG, DRSBackbone, attach_drs
from mmdrs.models.decode_heads import (
    CAMHead,
    DeepLabV2Head,
    DeepLabV3PlusHead,
    ForegroundHead,
    RefinementHead,
)
from mmdrs.models.decode_losses import LabelCorrectionLoss, ResponseScalingLoss
from mmdrs.models.layers import DRS, LearnableDRS
from mmdrs.models.segmentors import (
    FrozenBackboneEncoderDecoder,
    ImageLabelEncoderDecoder,
    MultiScaleEncoderDecoder,
)
from mmdrs.models.tta import LocalizationTTA, ProbabilityTTA, ViewsTTA

__all__ = [
    'CAMHead',
    'CaffeResNet',
    'DRS',
    'DRSBackbone',
    'DeepLabV2Head',
    'DeepLabV3PlusHead',
    'DilatedVGG',
    'ForegroundHead',
    'FrozenBackboneEncoderDecoder',
    'ImageLabelEncoderDecoder',
    'LabelCorrectionLoss',
    'LearnableDRS',
    'LocalizationTTA',
    'MultiScaleEncoderDecoder',
    'ProbabilityTTA',
    'RefinementHead',
    'ResponseScalingLoss',
    'ViewsTTA',
    'attach_drs',
]
