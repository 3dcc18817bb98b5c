"""The plain head of DeepLabV3+: full convolutions instead of separable ones."""

from typing import Any

from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.aspp_head import ASPPModule
from mmseg.models.decode_heads.sep_aspp_head import DepthwiseSeparableASPPHead
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class DeepLabV3PlusHead(DepthwiseSeparableASPPHead):
    """DeepLabV3+ without separable convolutions, the variant the authors of DRS trained.

    It differs from its parent in that the dilated convolutions are plain, the bottleneck after
    them is 1 x 1 with a dropout, and one plain 3 x 3 convolution joins them with the low-level
    features. MMSegmentation's ``DepthwiseSeparableASPPHead`` and ``ASPPHead`` (whose bottleneck is
    3 x 3) cannot be configured to this.

    Args:
        channels: Channels of every branch and of what follows.
        num_classes: Classes, background included.
        c1_in_channels: Channels of the backbone's first output, the low-level features.
        c1_channels: What they are reduced to.
        dilations: Of the pyramid; 1 is a 1 x 1 convolution.
        aspp_dropout: Dropout after the bottleneck.
        loss_decode: Loss on the labels; default the mean cross entropy of the pixels that are not
            ignored.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        num_classes: int,
        c1_in_channels: int,
        c1_channels: int,
        dilations: tuple[int, ...] = (1, 6, 12, 18),
        aspp_dropout: float = 0.1,
        norm_cfg: dict | None = None,
        loss_decode: dict | None = None,
        in_index: int = -1,
        align_corners: bool = False,
    ) -> None:
        super().__init__(
            c1_in_channels,
            c1_channels,
            in_channels=in_channels,
            channels=channels,
            num_classes=num_classes,
            dilations=dilations,
            dropout_ratio=0,
            norm_cfg=norm_cfg or dict(type='BN'),
            loss_decode=loss_decode or dict(type='CrossEntropyLoss', avg_non_ignore=True),
            in_index=in_index,
            align_corners=align_corners,
            init_cfg=dict(type='Kaiming', layer='Conv2d'),
        )
        common: dict[str, Any] = dict(
            conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg
        )
        self.aspp_modules = ASPPModule(dilations, in_channels, channels, **common)
        branches = (len(dilations) + 1) * channels
        self.bottleneck = nn.Sequential(
            ConvModule(branches, channels, 1, **common), nn.Dropout(aspp_dropout)
        )
        self.sep_bottleneck = ConvModule(channels + c1_channels, channels, 3, padding=1, **common)
