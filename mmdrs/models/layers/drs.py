"""DRS as layers: a constant and a learnable controller (paper, sections 3.2 and 3.3)."""

import inspect
from abc import abstractmethod
from typing import Literal, get_args

import torch
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from mmdrs.errors import InputError, did_you_mean
from mmdrs.models.ops import controls, suppress, suppress_by_controller, with_strength

Layout = Literal['nchw', 'nlc', 'nhwc']


class SuppressionLayer(BaseModule):
    """Base of the DRS layers.

    Args:
        rectify: The paper's layer, in place of or after a ReLU. False is for signed features
            (GELU, layer norm, Swish); see :func:`~mmdrs.models.ops.suppression.suppress`.
        layout: ``'nchw'``; ``'nlc'`` for tokens (N, L, C), ``'nhwc'`` for channels-last maps.
        in_eval: Suppress in evaluation too, as in the paper. False makes the layer a ReLU there
            (without ``rectify``, the identity).
        inplace: Write into the input. ``DRSBackbone`` sets it where it replaces an in-place ReLU.

    Attributes:
        strength: 0 is no suppression, 1 all of it: the control is
            ``1 - strength * (1 - control)``. ``DRSScheduleHook`` sets it; checkpoints do not hold
            it.

    Raises:
        InputError: If the layout is unknown.
    """

    strength: Tensor

    def __init__(
        self,
        rectify: bool = True,
        layout: Layout = 'nchw',
        in_eval: bool = True,
        inplace: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if layout not in get_args(Layout):
            raise InputError(f'DRS: layout must be one of {get_args(Layout)}, got {layout!r}')
        self.rectify = rectify
        self.layout: Layout = layout
        self.in_eval = in_eval
        self.inplace = inplace
        self.register_buffer('strength', torch.ones(()), persistent=False)

    @abstractmethod
    def control(self, x: Tensor) -> Tensor:
        """Control values of features (N, C, H, W): a number, or (N, C, 1, 1)."""

    def suppressed(self, x: Tensor) -> Tensor:
        """Features (N, C, H, W), suppressed at the current strength."""
        return suppress(x, self.effective_control(x), self.rectify, self.inplace)

    def forward(self, x: Tensor) -> Tensor:
        """Suppress features of any shape that ``layout`` names; the shape stays."""
        if not (self.training or self.in_eval):
            return F.relu(x, self.inplace) if self.rectify else x
        return _from_nchw(self.suppressed(to_nchw(x, self.layout)), self.layout)

    def effective_control(self, x: Tensor) -> Tensor:
        """Control values of features (N, C, H, W) at the current strength."""
        return with_strength(self.control(x), self.strength)

    def extra_repr(self) -> str:
        defaults = dict(delta=None, rectify=True, layout='nchw', in_eval=True, inplace=False)
        values = {name: getattr(self, name, None) for name in defaults}
        return ', '.join(f'{k}={v!r}' for k, v in values.items() if v != defaults[k])


@MODELS.register_module()
class DRS(SuppressionLayer):
    """DRS with a constant control. All other arguments: :class:`.SuppressionLayer`.

    Args:
        delta: Share of each channel's maximum that is kept, in (0, 1]; 1 is a plain ReLU. The
            paper's value for VGG-16 is 0.55.

    Raises:
        InputError: If ``delta`` is outside (0, 1].
    """

    def __init__(
        self,
        delta: float = 0.55,
        rectify: bool = True,
        layout: Layout = 'nchw',
        in_eval: bool = True,
        inplace: bool = False,
    ) -> None:
        super().__init__(rectify, layout, in_eval, inplace)
        if not 0 < delta <= 1:
            raise InputError(f'DRS: delta must be in (0, 1] (1 is a plain ReLU), got {delta}')
        self.delta = delta

    def control(self, x: Tensor) -> Tensor:
        return x.new_full((), self.delta, dtype=torch.promote_types(x.dtype, torch.float32))


class Controller(nn.Module):
    """The matrix (C, C) of a :class:`LearnableDRS`, from N(0, 0.01).

    Not an ``nn.Linear``, since some backbones (Swin, MiT) initialise all of these themselves.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, channels))
        nn.init.normal_(self.weight, std=0.01)


@MODELS.register_module()
class LearnableDRS(SuppressionLayer):
    """DRS whose control values come from the features: ``sigmoid(W @ avgpool(relu(x)))``.

    Every control starts near 0.5. All other arguments: :class:`.SuppressionLayer`.

    Args:
        in_channels: Channels C; ``W`` is a C x C matrix without bias.
        init_cfg: Initialisation of the controller; N(0, 0.01) if None.
    """

    def __init__(
        self,
        in_channels: int,
        rectify: bool = True,
        layout: Layout = 'nchw',
        in_eval: bool = True,
        inplace: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        init_cfg = init_cfg or dict(type='Normal', layer='Controller', std=0.01)
        super().__init__(rectify, layout, in_eval, inplace, init_cfg)
        self.controller = Controller(in_channels)

    def control(self, x: Tensor) -> Tensor:
        return controls(x, self.controller.weight)

    def suppressed(self, x: Tensor) -> Tensor:
        return suppress_by_controller(
            x, self.controller.weight, self.strength, self.rectify, self.inplace
        )


def build_drs(config: dict, channels: int) -> SuppressionLayer:
    """Build a DRS layer from its config for features of ``channels`` channels.

    Raises:
        InputError: If the layer takes no such argument, as when a config inherits another layer's.
    """
    config = dict(config)
    kind = config.get('type')
    if kind == 'LearnableDRS':
        config.setdefault('in_channels', channels)
    layer = MODELS.get(kind) if isinstance(kind, str) else kind
    taken = inspect.signature(layer).parameters if layer else config
    unknown = [key for key in config if key != 'type' and key not in taken]
    if unknown:
        raise InputError(
            f'drs: {kind} takes no {unknown[0]!r}{did_you_mean(unknown[0], taken)}; a config that '
            f'inherits another layer replaces it by dict(_delete_=True, type={kind!r})'
        )
    return MODELS.build(config)


def channel_axis(layout: Layout) -> int:
    return 1 if layout == 'nchw' else -1


def to_nchw(x: Tensor, layout: Layout) -> Tensor:
    """Features of a layout as (N, C, H, W); tokens (N, L, C) become (N, C, L, 1)."""
    if layout == 'nlc':
        return x.transpose(1, 2).unsqueeze(3)
    return x.permute(0, 3, 1, 2) if layout == 'nhwc' else x


def _from_nchw(x: Tensor, layout: Layout) -> Tensor:
    if layout == 'nlc':
        return x.squeeze(3).transpose(1, 2)
    return x.permute(0, 2, 3, 1) if layout == 'nhwc' else x
