"""DRS as layers: a constant and a learnable controller (paper, sections 3.2 and 3.3)."""

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmdrs.errors import InputError
from mmdrs.localization.suppression import controls, suppress


@MODELS.register_module()
class DRS(BaseModule):
    """Discriminative region suppression with a constant control, in place of or after a ReLU.

    Args:
        delta: Share of each channel's maximum that is kept, in (0, 1]; 1 is a plain ReLU. The
            paper's value for VGG-16 is 0.55.

    Raises:
        ValueError: If ``delta`` is outside (0, 1].
    """

    def __init__(self, delta: float = 0.55) -> None:
        super().__init__()
        if not 0 < delta <= 1:
            raise InputError(f'DRS: delta must be in (0, 1] (1 is a plain ReLU), got {delta}')
        self.delta = delta

    def forward(self, x: Tensor) -> Tensor:
        """Suppress (N, C, H, W) features."""
        return suppress(x, self.delta)

    def extra_repr(self) -> str:
        return f'delta={self.delta}'


@MODELS.register_module()
class LearnableDRS(BaseModule):
    """DRS whose control values come from the features: ``sigmoid(W @ avgpool(relu(x)))``.

    The controller starts from N(0, 0.01), so that every control starts near 0.5.

    Args:
        in_channels: Channels C; the controller is a C x C matrix without bias.
        init_cfg: Initialisation of the controller.
    """

    def __init__(self, in_channels: int, init_cfg: dict | None = None) -> None:
        super().__init__(init_cfg or dict(type='Normal', layer='Linear', std=0.01))
        self.controller = nn.Linear(in_channels, in_channels, bias=False)
        nn.init.normal_(self.controller.weight, std=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Suppress (N, C, H, W) features."""
        return suppress(x, controls(x, self.controller.weight))


def build_drs(config: dict, channels: int) -> BaseModule:
    """Build a DRS layer from its config for features of ``channels`` channels."""
    config = dict(config)
    if config.get('type') == 'LearnableDRS':
        config.setdefault('in_channels', channels)
    return MODELS.build(config)
