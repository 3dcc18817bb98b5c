from .backbones import CaffeResNet, DilatedVGG, DRSBackbone, attach_drs
from .decode_heads import CAMHead, DeepLabV2Head, DeepLabV3PlusHead, RefinementHead
from .layers import DRS, LearnableDRS
from .segmentors import MultiScaleEncoderDecoder
from .tta import LocalizationTTA, ProbabilityTTA, ViewsTTA

__all__ = [
    'CAMHead',
    'CaffeResNet',
    'DRS',
    'DRSBackbone',
    'DeepLabV2Head',
    'DeepLabV3PlusHead',
    'DilatedVGG',
    'LearnableDRS',
    'LocalizationTTA',
    'MultiScaleEncoderDecoder',
    'ProbabilityTTA',
    'RefinementHead',
    'ViewsTTA',
    'attach_drs',
]
