from .dilated_vgg import DilatedVGG
from .drs_backbone import DRSBackbone, attach_drs

__all__ = ['DRSBackbone', 'DilatedVGG', 'attach_drs']
