"""DRS in any backbone, without touching its class or its checkpoint keys."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import torch
from mmengine.model import BaseModule, ModuleDict
from mmseg.registry import MODELS
from torch import Tensor, nn

from mmdrs.errors import InputError
from mmdrs.models.backbones.places import Run, match_places, place_names, runs_of, split_place
from mmdrs.models.backbones.presets import PRESETS, Preset, find_preset
from mmdrs.models.layers import build_drs
from mmdrs.models.layers.drs import Layout, SuppressionLayer, channel_axis

Module = TypeVar('Module', bound=nn.Module)
Layers = Sequence[str] | Mapping[str, Mapping[str, Any]] | Literal['default']
_DIMENSIONS = dict(nchw=4, nlc=3, nhwc=4)


@MODELS.register_module()
def DRSBackbone(  # noqa: N802 - a config names it like a class
    backbone: dict,
    drs: dict,
    layers: Layers = 'default',
    input_shape: Sequence[int] = (3, 64, 64),
    pretrained: str | None = None,
) -> nn.Module:
    """Build a backbone and put DRS layers into it.

    The *same* backbone object is returned: the keys of its checkpoints, its ``frozen_stages``,
    layer-decay rules and so on stay as they are. The new modules are below ``drs.``; learning
    rates are set with ``custom_keys={'backbone.drs': dict(lr_mult=10)}``. ``init_cfg`` (ImageNet
    weights) goes into ``backbone``.

    Args:
        backbone: Config of any registered backbone.
        drs: Config of the layer: ``dict(type='DRS', delta=0.55)`` or ``dict(type='LearnableDRS')``
            (its ``in_channels`` are found by one forward of noise). Options of a place go before
            it, and it goes before those of the preset of ``'default'``.
        layers: Names, or regular expressions that match whole names, of modules as in
            ``backbone.named_modules()``; one run of a module that runs several times is
            ``'layer1.0.relu@2'``. A dict maps them to options of the layer there, such as
            ``{'layer3': dict(delta=0.8), 'layer4': {}}``. ``'default'`` is the choice of
            :data:`~mmdrs.models.backbones.presets.PRESETS`.
            ``tools/analysis_tools/drs_layers.py CONFIG`` prints all places.
        input_shape: Channels, height and width of the noise.
        pretrained: Weights, where the segmentor's config gives them (``model.pretrained``, as many
            stock configs do); handed on to the inner backbone.

    Returns:
        The backbone.

    Raises:
        ValueError: If a name matches nothing (close names are listed), a module does not run
            exactly once in a forward, its output does not fit the layer's ``layout``, or the
            backbone has DRS already.
    """
    if pretrained is not None:
        backbone = dict(backbone, pretrained=pretrained)
    model = MODELS.build(backbone)
    return attach_drs(model, drs, layers, input_shape)


def attach_drs(
    backbone: nn.Module,
    drs: dict,
    layers: Layers,
    input_shape: Sequence[int] = (3, 64, 64),
) -> nn.Module:
    """Put DRS in place of (a ReLU) or after (any other module) the named modules, in place.

    See :func:`DRSBackbone` for the arguments.
    """
    if hasattr(backbone, 'drs'):
        raise InputError(
            f'DRSBackbone: this {type(backbone).__name__} has DRS already; give all places in one '
            'DRSBackbone, with options by place where they differ'
        )
    runs = runs_of(backbone, input_shape)
    # mmengine's ModuleDict: `init_weights` does not reach into a plain one.
    backbone.drs = ModuleDict()
    hooks: dict[str, partial] = {}  # by name of the module
    defaults = _preset(backbone, place_names(runs)).options if layers == 'default' else {}
    for place, options in select_layers(backbone, layers, runs).items():
        config = {**defaults, **drs, **options}
        run = _run(runs, place)
        channels = _check_output(place, run, config.get('layout', 'nchw'))
        layer = build_drs(config, channels)
        # A key must not hold a dot.
        backbone.drs[place.replace('.', '_').replace('@', '_run')] = layer
        module = _hooked(backbone, place, runs, layer)
        # A partial of a module-level function, not a lambda: deepcopy and pickle then carry the
        # copy's own layer (a copy for EMA would call the original's).
        hook = partial(_suppress_copied if run.overwritten else _suppress_output, layer)
        module.register_forward_hook(hook)
        hooks[next(name for name, found in backbone.named_modules() if found is module)] = hook
    backbone.register_forward_pre_hook(partial(_hook_again, hooks))
    return backbone


def select_layers(
    backbone: nn.Module, layers: Layers, runs: dict[str, list[Run]]
) -> dict[str, dict[str, Any]]:
    """The places that ``layers`` means, in the order of the modules, each with its own options.

    Args:
        layers: As for :func:`DRSBackbone`.
        runs: What :func:`~mmdrs.models.backbones.places.runs_of` found.
    """
    places = place_names(runs)
    if layers == 'default':
        return _default_layers(backbone, places)
    if isinstance(layers, str) or not layers:
        raise InputError(
            "DRSBackbone: layers must be 'default', a list of names or regular expressions, or a "
            f'dict of them, got {layers!r}'
        )
    given = layers if isinstance(layers, Mapping) else dict.fromkeys(layers, {})
    options: dict[str, dict[str, Any]] = {}
    for pattern, changes in given.items():
        for place in match_places(backbone, [pattern], places):
            options[place] = {**options.get(place, {}), **(changes or {})}
    return {place: options[place] for place in places if place in options}


def _default_layers(backbone: nn.Module, places: Sequence[str]) -> dict[str, dict[str, Any]]:
    preset = _preset(backbone, places)
    chosen = match_places(backbone, preset.layers, places)
    modules = dict(backbone.named_modules())
    fitting = [p for p in chosen if isinstance(modules[split_place(p)[0]], preset.kind)]
    return {place: {} for place in fitting}


def _preset(backbone: nn.Module, places: Sequence[str]) -> Preset:
    preset = find_preset(backbone)
    if preset is None:
        raise InputError(
            f'DRSBackbone: {type(backbone).__name__} has no default places for DRS, only '
            f'{", ".join(PRESETS)} have; give layers=[...], names such as {list(places)[:8]}'
        )
    return preset


def _run(runs: dict[str, list[Run]], place: str) -> Run:
    name, number = split_place(place)
    return runs[name][(number or 1) - 1]


def _check_output(place: str, run: Run, layout: Layout) -> int:
    """The channels of a place's output.

    Raises:
        ValueError: If it is not one tensor of the layout.
    """
    if run.shape is None or len(run.shape) != _DIMENSIONS.get(layout, 4):
        hint = ''
        if run.shape is not None and len(run.shape) == 3:
            hint = "; for tokens (N, L, C) set layout='nlc' (and rectify=False if they are signed)"
        raise InputError(
            f'DRSBackbone: {place!r} returns {run.shape or run.kind}, not one tensor of '
            f'layout {layout!r}; choose another module{hint}'
        )
    return run.shape[channel_axis(layout)]


def _suppress_output(
    layer: BaseModule, module: nn.Module, inputs: tuple, output: Tensor
) -> Tensor:
    """Forward hook: the module's output, suppressed."""
    return layer(output)


def _suppress_copied(
    layer: BaseModule, module: nn.Module, inputs: tuple, output: Tensor
) -> Tensor:
    """Forward hook before an operation that writes into its input.

    The layer keeps its output for the backward pass, so the operation gets a copy.
    """
    return layer(output).clone()


def _hook_again(hooks: Mapping[str, partial], backbone: nn.Module, inputs: tuple) -> None:
    """Forward pre-hook of the backbone: modules that took the place of hooked ones get the hooks.

    Conversions to SyncBN and back make new modules without them.
    """
    if torch.compiler.is_compiling():
        return
    for name, hook in hooks.items():
        module = backbone.get_submodule(name)
        if hook not in module._forward_hooks.values():
            module.register_forward_hook(hook)


def _hooked(
    backbone: nn.Module, place: str, runs: dict[str, list[Run]], layer: SuppressionLayer
) -> nn.Module:
    """The module whose output is suppressed.

    The paper's DRS rectifies by itself, so a ReLU makes room for nothing; a module that runs
    several times makes room for one module for each run.
    """
    name, number = split_place(place)
    owner = backbone.get_submodule(name.rpartition('.')[0])
    module = backbone.get_submodule(name)
    if number is None:
        if type(module) is nn.ReLU and layer.rectify:
            layer.inplace = layer.inplace or module.inplace
            return _replace(backbone, module, nn.Identity())
        return module
    if not isinstance(module, ModuleByRun):
        module = _replace(backbone, module, ModuleByRun(module, len(runs[name])))
        owner.register_forward_pre_hook(partial(_restart, module))
    return module.after[number - 1]


def _replace(backbone: nn.Module, old: nn.Module, new: Module) -> Module:
    """Put a module in the place of another, under every name that it has."""
    for owner in list(backbone.modules()):
        # Not named_children(), which names a module that is there twice only once.
        for child, module in list(owner._modules.items()):
            if module is old:
                setattr(owner, child, new)
    return new


class ModuleByRun(nn.Module):
    """A module that runs several times in a forward, with a place after each run.

    The runs are counted from the start of the forward of the block that owns the module; where
    checkpointing (``with_cp``) computes the first of them again, they count from there again. An
    activation has no parameters: no key of a checkpoint moves.

    Args:
        module: The module, without parameters.
        runs: How often it runs in a forward.

    Raises:
        ValueError: If the module has parameters.
    """

    def __init__(self, module: nn.Module, runs: int) -> None:
        super().__init__()
        if next(module.parameters(), None) is not None:
            raise InputError('only a module without parameters can have DRS at one of its runs')
        self.module = module
        self.after = nn.ModuleList(nn.Identity() for _ in range(runs))
        self.next_run = 0

    def forward(self, x: Tensor) -> Tensor:
        """The module's output, through the place of this run."""
        run = self.next_run
        self.next_run = (run + 1) % len(self.after)
        return self.after[run](self.module(x))


def _restart(module: ModuleByRun, owner: nn.Module, inputs: tuple) -> None:
    """Forward pre-hook of the owner: the next run is the first."""
    module.next_run = 0
