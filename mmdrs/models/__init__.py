from .backbones import DilatedVGG, DRSBackbone, attach_drs
from .decode_heads import CAMHead, RefinementHead
from .layers import DRS, LearnableDRS
from .tta import LocalizationTTA

__all__ = [
    'CAMHead',
    'DRS',
    'DRSBackbone',
    'DilatedVGG',
    'LearnableDRS',
    'LocalizationTTA',
    'RefinementHead',
    'attach_drs',
]
