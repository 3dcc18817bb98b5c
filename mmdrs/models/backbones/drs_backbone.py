"""DRS in any backbone, without touching its class or its checkpoint keys."""

import difflib
import re
from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
from mmengine.model import BaseModule, ModuleDict
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmdrs.errors import InputError
from mmdrs.models.layers import build_drs


@MODELS.register_module()
def DRSBackbone(  # noqa: N802 - a config names it like a class
    backbone: dict,
    drs: dict,
    layers: Sequence[str] | Literal['default'] = 'default',
    input_shape: Sequence[int] = (3, 64, 64),
) -> nn.Module:
    """Build a backbone and put DRS layers into it.

    The *same* backbone object is returned: the keys of its checkpoints, its ``frozen_stages``,
    layer-decay rules and so on stay as they are. The new modules stand under ``drs.``; learning
    rates are set with ``custom_keys={'drs': dict(lr_mult=10)}``. ``init_cfg`` (ImageNet weights)
    belongs into ``backbone``.

    Args:
        backbone: Config of any registered backbone.
        drs: Config of the layer: ``dict(type='DRS', delta=0.55)`` or ``dict(type='LearnableDRS')``
            (its ``in_channels`` are found by one forward of zeros).
        layers: Names, or regular expressions that match whole names, of modules as in
            ``backbone.named_modules()``; or ``'default'``, the choice the backbone's class names.
        input_shape: Channels, height and width of the zeros of that forward.

    Returns:
        The backbone.

    Raises:
        ValueError: If a name matches nothing (close names are listed), or a module runs not
            exactly once in a forward, or its output is not one (N, C, H, W) tensor.
    """
    model = MODELS.build(backbone)
    return attach_drs(model, drs, layers, input_shape)


def attach_drs(
    backbone: nn.Module,
    drs: dict,
    layers: Sequence[str] | Literal['default'],
    input_shape: Sequence[int] = (3, 64, 64),
) -> nn.Module:
    """Put DRS in place of (a ReLU) or after (any other module) the named modules, in place.

    See :func:`DRSBackbone` for the arguments.
    """
    names = select_layers(backbone, layers)
    channels = _probe_channels(backbone, names, input_shape)
    # mmengine's ModuleDict: `init_weights` does not reach into a plain one.
    backbone.drs = ModuleDict()
    for name in names:
        layer = build_drs(drs, channels[name])
        backbone.drs[name.replace('.', '_')] = layer  # a key must not hold a dot
        # A partial of a module-level function, not a lambda: deepcopy and pickle then carry the
        # copy's own layer (a copy for EMA would call the original's).
        _without_relu(backbone, name).register_forward_hook(partial(_suppress_output, layer))
    return backbone


def select_layers(backbone: nn.Module, layers: Sequence[str] | Literal['default']) -> list[str]:
    """Names of the modules that ``layers`` means, in the order of ``named_modules()``."""
    modules = {name: module for name, module in backbone.named_modules() if name}
    if layers == 'default':
        if not hasattr(backbone, 'default_drs_layers'):
            raise InputError(
                f'DRSBackbone: {type(backbone).__name__} has no default places for DRS; give '
                f'layers=[...], names such as {list(modules)[:8]}'
            )
        pattern, kind = backbone.default_drs_layers
        return [n for n, m in modules.items() if re.fullmatch(pattern, n) and isinstance(m, kind)]
    if isinstance(layers, str) or not layers:
        raise InputError(
            "DRSBackbone: layers must be 'default' or a list of names or regular expressions, got "
            f'{layers!r}'
        )
    chosen = set()
    for pattern in layers:
        matched = {pattern} & modules.keys() or {n for n in modules if re.fullmatch(pattern, n)}
        if not matched:
            close = difflib.get_close_matches(pattern, modules, n=5, cutoff=0.3)
            raise InputError(
                f'DRSBackbone: {pattern!r} matches no module of {type(backbone).__name__}; '
                f'close names: {close or list(modules)[:8]}'
            )
        chosen |= matched
    return [name for name in modules if name in chosen]


def _probe_channels(
    backbone: nn.Module, names: Sequence[str], input_shape: Sequence[int]
) -> dict[str, int]:
    """Run zeros through the backbone; check that each module runs once and what it returns."""
    outputs: dict[str, list] = {name: [] for name in names}
    modules = dict(backbone.named_modules())
    handles = [modules[n].register_forward_hook(partial(_record, outputs[n])) for n in names]
    training = {module: module.training for module in modules.values()}
    parameter = next(backbone.parameters())
    backbone.eval()
    try:
        with torch.no_grad():
            backbone(parameter.new_zeros((1, *input_shape)))
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in training.items():
            module.training = mode
    for name, seen in outputs.items():
        if len(seen) != 1:
            raise InputError(
                f'DRSBackbone: {name!r} runs {len(seen)} times per forward; choose a module that '
                'runs once (for example the block that calls it)'
            )
        if not isinstance(seen[0], tuple) or len(seen[0]) != 4:
            raise InputError(
                f'DRSBackbone: {name!r} returns {seen[0]}, not one (N, C, H, W) tensor; choose '
                'another module'
            )
    return {name: seen[0][1] for name, seen in outputs.items()}


def _record(seen: list, module: nn.Module, inputs: tuple, output: object) -> None:
    """Forward hook: note the shape of a tensor, the type of anything else."""
    is_tensor = isinstance(output, Tensor)
    seen.append(tuple(output.shape) if is_tensor else type(output).__name__)


def _suppress_output(
    layer: BaseModule, module: nn.Module, inputs: tuple, output: Tensor
) -> Tensor:
    """Forward hook: the module's output, suppressed."""
    return layer(output)


def _without_relu(backbone: nn.Module, name: str) -> nn.Module:
    """The module to hook. DRS rectifies by itself, so a ReLU makes room for nothing."""
    module = backbone.get_submodule(name)
    if type(module) is not nn.ReLU:
        return module
    parent, _, child = name.rpartition('.')
    empty = nn.Identity()
    setattr(backbone.get_submodule(parent), child, empty)
    return empty
