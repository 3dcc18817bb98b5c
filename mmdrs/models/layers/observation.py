"""Observe DRS layers while a model runs, or switch them off."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mmdrs.models.layers.drs import SuppressionLayer, to_nchw


class Observation(NamedTuple):
    """One forward of a DRS layer."""

    suppressed: float
    """Share of the positive activations that were capped, 0..1."""
    control: Tensor
    """Control values at the layer's strength, flat: N * C, or one for a constant control."""


@contextmanager
def observed(model: nn.Module) -> Iterator[dict[str, list[Observation]]]:
    """Record every forward of a model's DRS layers by layer name, while the block runs."""
    found: dict[str, list[Observation]] = {}
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, SuppressionLayer):
            found[name] = []
            # A pre-hook, because the layer may write into its input.
            handles.append(module.register_forward_pre_hook(partial(_observe, found[name])))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def without_drs(model: nn.Module) -> Iterator[None]:
    """Run a model with all its DRS layers at strength 0, where they are plain ReLUs."""
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
    if not (layer.training or layer.in_eval):
        return
    x = to_nchw(inputs[0].detach(), layer.layout)
    control = layer.effective_control(x)
    positive = x > 0
    capped = positive & (x > x.amax(dim=(2, 3), keepdim=True) * control)
    share = capped.sum().item() / max(positive.sum().item(), 1)
    seen.append(Observation(share, control.float().flatten().cpu()))
