"""What DRS costs in VGG-16: memory of a training step, and its time."""

from collections.abc import Callable
from functools import partial

import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch import Tensor, nn

from benchmarks.composed import ComposedDRS
from benchmarks.measure import Row, compare, saved_bytes, time_in_turn, training_step

SIDE = 320
DELTA = 0.55
PLAIN = 'the same with in-place ReLUs'
LABELS = dict(
    drs='constant control', learnable='learnable control', composed='of the released layer'
)
_MEGABYTE = 2**20


def vgg16(drs: dict | None) -> nn.Module:
    """The paper's VGG-16 with 16 layers of a config, or with in-place ReLUs."""
    config = dict(type='DilatedVGG')
    if drs:
        config = dict(type='DRSBackbone', backbone=config, drs=drs, layers='default')
    with DefaultScope.overwrite_default_scope('mmseg'):
        return MODELS.build(config)


def composed_vgg16() -> nn.Module:
    """VGG-16 whose 16 layers are :class:`ComposedDRS`."""
    model = vgg16(None)
    for module in (model.features, model.extra):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, ComposedDRS(DELTA))
    return model


def networks() -> dict[str, nn.Module]:
    """The networks that are compared, with the same weights."""
    built = dict(
        plain=vgg16(None),
        drs=vgg16(dict(type='DRS', delta=DELTA)),
        learnable=vgg16(dict(type='LearnableDRS')),
        composed=composed_vgg16(),
    )
    for model in built.values():
        model.load_state_dict(built['plain'].state_dict(), strict=False)
        model.train()
    return built


def measure_layer(device: torch.device, repeats: int) -> list[Row]:
    """Memory and time of VGG-16's training step with 16 DRS layers, beside other networks.

    Batch 2 of 320 x 320 on a CPU, the paper's 5 on a GPU.
    """
    models = {name: model.to(device) for name, model in networks().items()}
    images = torch.randn(2 if device.type == 'cpu' else 5, 3, SIDE, SIDE, device=device)
    what = f'VGG-16, 16 layers, batch {len(images)}'
    rows = _memory_rows(models, images, what)
    rows += _time_rows(models, images, repeats, what)
    if device.type == 'cuda':
        rows += _peak_rows(models, images, what)
        compiled = {name: torch.compile(models[name]) for name in ('plain', 'drs')}
        rows += _time_rows(compiled, images, repeats, f'{what}, compiled', compiled=True)
    return rows


def _memory_rows(models: dict[str, nn.Module], images: Tensor, what: str) -> list[Row]:
    sizes = {
        name: saved_bytes(lambda m=model: m(images)[0], list(model.parameters())) / _MEGABYTE
        for name, model in models.items()
    }
    rows = []
    for name, label in LABELS.items():
        text = f'{what}: kept for the backward pass, {label}'
        target = '<= 1.02' if name == 'drs' else ''
        rows.append(compare('layer', text, 'MB', [sizes[name]], [sizes['plain']], PLAIN, target))
    return rows


def _time_rows(
    models: dict[str, Callable], images: Tensor, repeats: int, what: str, compiled: bool = False
) -> list[Row]:
    steps = {name: partial(training_step, model, images) for name, model in models.items()}
    seconds = time_in_turn(steps, repeats, images.device)
    target = '<= 1.10' if images.device.type == 'cpu' else '<= 1.15'
    return [
        compare(
            'layer',
            f'{what}: training step, {LABELS[name]}',
            's',
            seconds[name],
            seconds['plain'],
            PLAIN,
            ('<= 1.05' if compiled else target) if name == 'drs' else '',
        )
        for name in models
        if name != 'plain'
    ]


def _peak_rows(models: dict[str, nn.Module], images: Tensor, what: str) -> list[Row]:
    """The greatest memory of a step as the GPU's allocator counts it."""
    peaks = {}
    for name, model in models.items():
        model.zero_grad()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        training_step(model, images)
        peaks[name] = (torch.cuda.max_memory_allocated() - before) / _MEGABYTE
    return [
        compare(
            'layer',
            f'{what}: peak of a step, {label}',
            'MB',
            [peaks[name]],
            [peaks['plain']],
            PLAIN,
        )
        for name, label in LABELS.items()
    ]
