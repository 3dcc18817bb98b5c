"""What DRS layers do to features, noted while a model runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from mmdrs.models.layers.drs import SuppressionLayer, to_nchw


@dataclass(frozen=True)
class Observation:
    """One forward of a DRS layer.

    Attributes:
        suppressed: Share of the positive activations that were capped, 0..1.
        control: Control values of all images and channels (one for a constant control), at the
            layer's strength.
    """

    suppressed: float
    control: Tensor


@contextmanager
def observed(model: nn.Module) -> Iterator[dict[str, list[Observation]]]:
    """Note every forward of the DRS layers of a model, by layer name.

    Yields:
        Observations by name of the layer in the model, filled while the block runs.
    """
    found: dict[str, list[Observation]] = {}
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, SuppressionLayer):
            found[name] = []
            # Before the layer, which may write into its input.
            handles.append(module.register_forward_pre_hook(partial(_observe, found[name])))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def without_drs(model: nn.Module) -> Iterator[None]:
    """Run a model with all its DRS layers at strength 0: as plain ReLUs."""
    layers = [m for m in model.modules() if isinstance(m, SuppressionLayer)]
    before = [layer.strength.clone() for layer in layers]
    for layer in layers:
        layer.strength.zero_()
    try:
        yield
    finally:
        for layer, strength in zip(layers, before, strict=True):
            layer.strength.copy_(strength)


@torch.no_grad()
def _observe(seen: list[Observation], layer: SuppressionLayer, inputs: tuple[Tensor]) -> None:
    """Forward pre-hook."""
    if not (layer.training or layer.in_eval):
        return
    x = to_nchw(inputs[0].detach(), layer.layout)
    control = layer.effective_control(x)
    positive = x > 0
    capped = positive & (x > x.amax(dim=(2, 3), keepdim=True) * control)
    share = capped.sum().item() / max(positive.sum().item(), 1)
    seen.append(Observation(share, control.float().flatten().cpu()))
