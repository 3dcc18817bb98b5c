from .caffe_resnet import CaffeResNet
from .dilated_vgg import DilatedVGG
from .drs_backbone import DRSBackbone, attach_drs

__all__ = ['CaffeResNet', 'DRSBackbone', 'DilatedVGG', 'attach_drs']
