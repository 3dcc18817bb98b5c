"""The VGG of the paper: output stride 8, dilated last stage, three extra convolutions."""

from collections.abc import Sequence

from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule, Sequential
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmdrs.errors import InputError


@MODELS.register_module()
class DilatedVGG(BaseModule):
    """VGG with dilation instead of the last two poolings, and extra convolutions after it.

    The default is the VGG-16 of the released code: pools 1 to 3 halve, pool 4 (kernel 3, stride 1)
    does not, conv5_x has dilation 2, there is no pool 5; then three 3 x 3 convolutions 512 -> 512.
    ``features.*`` has the keys of torchvision's ``vgg16-397923af.pth``; ``extra.*`` is new.

    Args:
        depths: Convolutions of each stage.
        channels: Width of each stage.
        strides: Of the pooling between two stages: 2, or 1 (kernel 3), which doubles the dilation
            of the next stages.
        extra_channels: Widths of the 3 x 3 convolutions after the stages.
        norm_cfg: Normalisation before each ReLU; none in the paper.
        init_cfg: Default: N(0, sqrt(2 / (k * k * out))), bias 0, as the released code initialises
            new convolutions. For ImageNet weights give a list:
            ``[DilatedVGG.default_init_cfg, dict(type='Pretrained', checkpoint=...)]``.

    Raises:
        InputError: If the lengths of ``depths``, ``channels`` and ``strides`` do not fit.
    """

    default_init_cfg = dict(
        type='Kaiming', layer='Conv2d', mode='fan_out', distribution='normal', bias=0
    )

    def __init__(
        self,
        depths: Sequence[int] = (2, 2, 3, 3, 3),
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        strides: Sequence[int] = (2, 2, 2, 1),
        extra_channels: Sequence[int] = (512, 512, 512),
        in_channels: int = 3,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(self.default_init_cfg))
        if not len(depths) == len(channels) == len(strides) + 1:
            raise InputError(
                'DilatedVGG: depths and channels need one value for each stage and strides one '
                f'less, got depths={depths}, channels={channels}, strides={strides}'
            )
        self.norm_cfg = norm_cfg
        layers: list[nn.Module] = []
        dilation, width = 1, in_channels
        for stage, (depth, out_channels) in enumerate(zip(depths, channels, strict=True)):
            if stage:
                stride = strides[stage - 1]
                dilation *= 2 // stride
                layers.append(
                    nn.MaxPool2d(2, 2) if stride == 2 else nn.MaxPool2d(3, stride=1, padding=1)
                )
            for _ in range(depth):
                layers += self._conv(width, out_channels, dilation)
                width = out_channels
        self.features = Sequential(*layers)
        layers = []
        for out_channels in extra_channels:
            layers += self._conv(width, out_channels, dilation=1)
            width = out_channels
        self.extra = Sequential(*layers)

    def _conv(self, in_channels: int, out_channels: int, dilation: int) -> list[nn.Module]:
        conv = nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)
        norm = [build_norm_layer(self.norm_cfg, out_channels)[1]] if self.norm_cfg else []
        return [conv, *norm, nn.ReLU(inplace=True)]

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Images (N, 3, H, W) to one map (N, extra_channels[-1], H / 8, W / 8) by default."""
        return (self.extra(self.features(x)),)
