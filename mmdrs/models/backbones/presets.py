"""Where DRS goes with ``layers='default'``, by the type of the backbone.

The choice is the same for all: the features of the last two stages, where the classifier's
evidence is, at the points where they are rectified if there are any. Earlier features hold edges
and colours, whose maxima are no objects.
"""

from dataclasses import dataclass, field
from typing import Any

from torch import nn


@dataclass(frozen=True)
class Preset:
    """Default places of one type of backbone.

    Attributes:
        layers: Regular expressions of places.
        options: Options of the layer there: ``rectify=False`` and ``layout`` for signed tokens.
        kind: Only modules of this class.
    """

    layers: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    kind: type[nn.Module] = nn.Module


_RESNET = Preset((r'layer[34]',))
_SIGNED = dict(rectify=False)
_TOKENS = dict(rectify=False, layout='nlc')

#: The default places by the name of the class of the backbone, or of one of its parents.
PRESETS: dict[str, Preset] = dict(
    # The paper's: at every ReLU.
    DilatedVGG=Preset((r'(features|extra)\.\d+',), kind=nn.ReLU),
    VGG=Preset((r'features\.\d+',), kind=nn.ReLU),
    ResNet=_RESNET,  # also ResNetV1c, ResNetV1d, ResNeXt, ResNeSt and other subclasses
    HRNet=Preset((r'stage[34]\.\d+\.branches\.\d+\.\d+',)),
    MobileNetV2=Preset((r'layer[67]\.\d+\.conv\.[01]\.activate',)),
    MobileNetV3=Preset((r'layer(?:[89]|1\d)\.depthwise_conv',), _SIGNED),
    UNet=Preset((r'encoder\.[34]',)),
    BiSeNetV2=Preset((r'semantic\.stage[34]\.\d+',)),
    STDCNet=Preset((r'stages\.[34]',)),
    STDCContextPathNet=Preset((r'backbone\.stages\.[34]',)),  # a STDCNet with its context path
    PIDNet=Preset((r'i_branch_layers\.[12]\.\d+',), _SIGNED),
    DDRNet=Preset((r'context_branch_layers\.[01]\.\d+',), _SIGNED),
    ERFNet=Preset((r'encoder\.(?:8|9|1\d)',)),
    CGNet=Preset((r'level2\.\d+',), _SIGNED),
    SwinTransformer=Preset((r'norm[23]',), _TOKENS),
    MixVisionTransformer=Preset((r'layers\.[23]\.2',), _TOKENS),
    ConvNeXt=Preset((r'stages\.[23]',), _SIGNED),  # of mmpretrain
)


def find_preset(backbone: nn.Module) -> Preset | None:
    """The preset of a backbone's class or of the nearest of its parents."""
    return next(
        (PRESETS[c.__name__] for c in type(backbone).__mro__ if c.__name__ in PRESETS), None
    )
