"""The ResNet of Caffe, from which DeepLabV2 starts."""

from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class CaffeResNet(ResNet):
    """``ResNet`` whose stem pools like Caffe: a window that sticks out at the border counts.

    For inputs of odd sizes its feature maps are one pixel larger than the parent's
    (``ceil_mode``), so that checkpoints converted from Caffe see what they were trained on. The
    other difference of Caffe's ResNets, the stride in the first 1 x 1 convolution of a block, is
    the parent's ``style='caffe'``: set it as well. All arguments are those of the parent.
    """

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        super()._make_stem_layer(in_channels, stem_channels)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1, ceil_mode=True)
