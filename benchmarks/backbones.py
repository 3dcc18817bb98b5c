"""What DRS costs in other backbones: parameters, memory and time of a training step.

The places are those of ``layers='default'``, the backbones as large as in the stock configs.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch import Tensor, nn

from benchmarks.measure import Row, compare, saved_bytes, time_in_turn, training_step

PLAIN = 'the same without DRS'
DRS = {
    'constant control': dict(type='DRS', delta=0.55),
    'learnable control': dict(type='LearnableDRS'),
}
PARAMETERS, KEPT, STEP = 'parameters', 'kept for the backward pass', 'training step'
#: Images of a batch, and their side.
BATCH = dict(cpu=2, cuda=8)
SIDE = dict(cpu=128, cuda=512)
#: Steps shorter than this, in seconds, are timed more often, at most so many times as often.
SHORT, OFTENER = 0.5, 6
_MEGABYTE = 2**20

_BN = dict(type='BN', requires_grad=True)
_BASIC = dict(num_modules=1, block='BASIC')
_HRNET_W18 = dict(
    stage1=dict(
        num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)
    ),
    stage2=dict(_BASIC, num_branches=2, num_blocks=(4,) * 2, num_channels=(18, 36)),
    stage3=dict(
        _BASIC, num_modules=4, num_branches=3, num_blocks=(4,) * 3, num_channels=(18, 36, 72)
    ),
    stage4=dict(
        _BASIC, num_modules=3, num_branches=4, num_blocks=(4,) * 4, num_channels=(18, 36, 72, 144)
    ),
)
_STDC1 = dict(
    type='STDCNet',
    stdc_type='STDCNet1',
    in_channels=3,
    channels=(32, 64, 256, 512, 1024),
    bottleneck_type='cat',
    num_convs=4,
    norm_cfg=_BN,
    act_cfg=dict(type='ReLU'),
)
#: One backbone of each type that has default places.
BACKBONES: dict[str, dict[str, Any]] = {
    'VGG-16 (`DilatedVGG`)': dict(type='DilatedVGG'),
    'ResNet-50 (V1c)': dict(type='ResNetV1c', depth=50),
    'HRNet-W18': dict(type='HRNet', extra=_HRNET_W18),
    'MobileNetV2': dict(type='MobileNetV2', out_indices=(1, 2, 4, 6)),
    'MobileNetV3-large': dict(type='MobileNetV3', arch='large', out_indices=(1, 3, 16)),
    'UNet': dict(type='UNet'),
    'BiSeNetV2': dict(type='BiSeNetV2'),
    'STDC1': _STDC1,
    'STDC1 with context path': dict(
        type='STDCContextPathNet',
        backbone_cfg=_STDC1,
        last_in_channels=(1024, 512),
        out_channels=128,
        ffm_cfg=dict(in_channels=384, out_channels=256, scale_factor=4),
    ),
    'PIDNet-S': dict(type='PIDNet', channels=32, ppm_channels=96, norm_cfg=_BN),
    'DDRNet23-slim': dict(type='DDRNet', channels=32, ppm_channels=128, norm_cfg=_BN),
    'ERFNet': dict(type='ERFNet'),
    'CGNet': dict(type='CGNet', norm_cfg=_BN),
    'Swin-T': dict(type='SwinTransformer', depths=(2, 2, 6, 2), num_heads=(3, 6, 12, 24)),
    'MiT-B0': dict(type='MixVisionTransformer', embed_dims=32, num_heads=(1, 2, 5, 8)),
    'ConvNeXt-T': dict(
        type='mmpretrain.ConvNeXt',
        arch='tiny',
        out_indices=(0, 1, 2, 3),
        layer_scale_init_value=1.0,
        gap_before_final_norm=False,
    ),
}


def measure_backbones(device: torch.device, repeats: int) -> list[Row]:
    """The cost of DRS in each of :data:`BACKBONES`; ConvNeXt only where mmpretrain is installed.

    Batch 2 of 128 x 128 on a CPU, 8 of 512 x 512 on a GPU.
    """
    side = SIDE[device.type]
    images = torch.randn(BATCH[device.type], 3, side, side, device=device)
    rows: list[Row] = []
    for name, config in BACKBONES.items():
        if not config['type'].startswith('mmpretrain.') or _has_mmpretrain():
            rows += measure_backbone(name, config, images, repeats)
    return rows


def measure_backbone(name: str, config: dict, images: Tensor, repeats: int) -> list[Row]:
    """Parameters, saved activations and time of a step, with each kind of DRS and without.

    Args:
        name: Of the backbone in the rows; without a colon.
        config: Of the backbone without DRS.
        images: (N, 3, H, W).
        repeats: Timed steps of each side; more of short ones.
    """
    models = networks(config, images.device)
    steps = {kind: partial(training_step, model, images) for kind, model in models.items()}
    measured = {
        (PARAMETERS, 'million parameters'): {
            kind: [sum(p.numel() for p in model.parameters()) / 1e6]
            for kind, model in models.items()
        },
        (KEPT, 'MB'): {
            kind: [saved_bytes(partial(model, images), list(model.parameters())) / _MEGABYTE]
            for kind, model in models.items()
        },
        (STEP, 's'): time_in_turn(
            steps, repeats * _oftener(steps[PLAIN], images.device), images.device
        ),
    }
    return [
        compare('backbones', f'{name}: {what}, {kind}', unit, values[kind], values[PLAIN], PLAIN)
        for (what, unit), values in measured.items()
        for kind in DRS
    ]


def networks(config: dict, device: torch.device) -> dict[str, nn.Module]:
    """The backbone without DRS and with each kind of it, with the same weights, in train mode."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        built = {PLAIN: MODELS.build(dict(config))}
        for kind, drs in DRS.items():
            built[kind] = MODELS.build(dict(type='DRSBackbone', backbone=dict(config), drs=drs))
    for model in built.values():
        model.load_state_dict(built[PLAIN].state_dict(), strict=False)
        model.to(device).train()
    return built


def _oftener(step: Callable[[], None], device: torch.device) -> int:
    """How often a step fits into :data:`SHORT`: the times of short ones differ the most."""
    seconds = time_in_turn({PLAIN: step}, 1, device)[PLAIN][0]
    return min(max(int(SHORT / seconds), 1), OFTENER)


def table(rows: Sequence[Row]) -> str:
    """The rows of :func:`measure_backbones` as the table of docs/backbones.md.

    One line a backbone: parameters, saved activations in MB, and the time of a step, each with its
    ratio to the backbone without DRS.
    """
    found = {row.what: row for row in rows}
    names = dict.fromkeys(row.what.partition(':')[0] for row in rows)
    lines = [
        '| backbone | parameters, millions | constant | learnable '
        '| activations kept, MB | constant | learnable | time of a step: constant | learnable |',
        '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
    ]
    for name in names:
        parameters, kept, step = (
            [found[f'{name}: {what}, {kind}'] for kind in DRS] for what in (PARAMETERS, KEPT, STEP)
        )
        cells = [name, f'{parameters[0].other.median:.2f}']
        cells += [f'{row.ours.median:.2f}' for row in parameters]
        cells.append(f'{kept[0].other.median:.1f}')
        cells += [f'{row.ours.median:.1f} (x {row.ratio.median:.2f})' for row in kept]
        cells += [f'x {row.ratio.median:.2f}' for row in step]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def _has_mmpretrain() -> bool:
    try:
        import mmpretrain  # noqa: F401 - optional, and does not start without torchvision
    except ImportError:
        return False
    return True
