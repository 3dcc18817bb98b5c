from mmdrs.models.backbones.caffe_resnet import CaffeResNet
from mmdrs.models.backbones.dilated_vgg import DilatedVGG
from mmdrs.models.backbones.drs_backbone import DRSBackbone, attach_drs

__all__ = ['CaffeResNet', 'DRSBackbone', 'DilatedVGG', 'attach_drs']
