"""The ResNet of Caffe, from which DeepLabV2 starts."""

from mmseg.models.backbones import ResNet
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class CaffeResNet(ResNet):
    """``ResNet`` whose stem pools as in Caffe (``ceil_mode``), with the same arguments.

    Feature maps of some input sizes are one pixel larger, as checkpoints converted from Caffe
    expect. Set ``style='caffe'`` as well: it moves the stride to a block's first convolution.
    """

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        super()._make_stem_layer(in_channels, stem_channels)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1, ceil_mode=True)
