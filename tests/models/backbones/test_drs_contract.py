"""What DRS keeps, in every backbone of MMSegmentation that has a preset.

One table of backbones, one test for each promise.
"""

import copy
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.model import ExponentialMovingAverage, revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.testing import assert_close

from mmdrs.models.backbones.places import runs_of, split_place
from mmdrs.models.backbones.presets import PRESETS, find_preset

try:
    import mmpretrain
except ImportError:  # it is optional, and does not start without torchvision
    mmpretrain = None

pytestmark = pytest.mark.usefixtures('mmseg_scope')
BN = dict(type='BN', requires_grad=True)
_BRANCHES = dict(num_modules=1, block='BASIC')
_HRNET = dict(
    stage1=dict(
        num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(16,)
    ),
    stage2=dict(**_BRANCHES, num_branches=2, num_blocks=(1, 1), num_channels=(4, 8)),
    stage3=dict(**_BRANCHES, num_branches=3, num_blocks=(1,) * 3, num_channels=(4, 8, 16)),
    stage4=dict(**_BRANCHES, num_branches=4, num_blocks=(1,) * 4, num_channels=(4, 8, 16, 32)),
)
_UNET = dict(
    in_channels=3,
    base_channels=4,
    num_stages=5,
    strides=(1,) * 5,
    enc_num_convs=(2,) * 5,
    dec_num_convs=(2,) * 4,
    downsamples=(True,) * 4,
    enc_dilations=(1,) * 5,
    dec_dilations=(1,) * 4,
)
_STDC = dict(
    stdc_type='STDCNet1',
    in_channels=3,
    channels=(8, 16, 32, 48, 64),
    bottleneck_type='cat',
    num_convs=4,
    norm_cfg=BN,
    act_cfg=dict(type='ReLU'),
)
BACKBONES = dict(
    resnet_basic=dict(type='ResNet', depth=18, base_channels=8),
    resnet_bottleneck=dict(type='ResNet', depth=50, base_channels=4),
    resnet_v1c=dict(type='ResNetV1c', depth=50, base_channels=4),
    resnext=dict(type='ResNeXt', depth=50, groups=4, base_width=4, base_channels=16),
    resnest=dict(type='ResNeSt', depth=50, base_channels=8, stem_channels=8),
    hrnet=dict(type='HRNet', extra=_HRNET),
    mobilenet_v2=dict(type='MobileNetV2', widen_factor=0.25, out_indices=(1, 6)),
    mobilenet_v3=dict(type='MobileNetV3', arch='small', out_indices=(1, 12)),
    unet=dict(type='UNet', **_UNET),
    bisenet_v2=dict(
        type='BiSeNetV2',
        detail_channels=(8, 8, 16),
        semantic_channels=(4, 8, 16, 16),
        bga_channels=16,
    ),
    stdc=dict(type='STDCNet', **_STDC),
    stdc_context=dict(
        type='STDCContextPathNet',
        backbone_cfg=dict(type='STDCNet', **_STDC),
        last_in_channels=(64, 48),
        out_channels=8,
        ffm_cfg=dict(in_channels=40, out_channels=16, scale_factor=4),
    ),
    pidnet=dict(type='PIDNet', channels=8, ppm_channels=8, norm_cfg=BN),
    ddrnet=dict(type='DDRNet', channels=8, ppm_channels=8, norm_cfg=BN),
    erfnet=dict(type='ERFNet', enc_downsample_channels=(8, 16, 32), dec_upsample_channels=(16, 8)),
    cgnet=dict(type='CGNet', num_channels=(8, 16, 32), num_blocks=(2, 3), norm_cfg=BN),
    swin=dict(
        type='SwinTransformer', embed_dims=8, depths=[1] * 4, num_heads=[1, 1, 2, 2], window_size=4
    ),
    mit=dict(type='MixVisionTransformer', embed_dims=8, num_heads=[1, 1, 2, 2]),
    dilated_vgg=dict(
        type='DilatedVGG', depths=(1, 1), channels=(4, 6), strides=(2,), extra_channels=(8,)
    ),
)  # fmt: skip
if mmpretrain:
    BACKBONES['convnext'] = dict(
        type='mmpretrain.ConvNeXt',
        arch=dict(depths=[1, 1, 2, 1], channels=[8, 8, 16, 16]),
        out_indices=[0, 1, 2, 3],
        layer_scale_init_value=1.0,  # as in MMSegmentation's configs, like the next line
        gap_before_final_norm=False,
    )
EVERY = pytest.mark.parametrize('name', BACKBONES)
SIZE = (3, 64, 64)


def build(name: str, drs: dict | None = None, **changes) -> nn.Module:
    """A backbone with DRS (learnable by default) at its default places, in eval mode."""
    torch.manual_seed(0)
    drs = drs or dict(type='LearnableDRS')
    backbone = dict(BACKBONES[name], **changes)
    model = MODELS.build(dict(type='DRSBackbone', backbone=backbone, drs=drs))
    model.eval()
    return model


def plain(name: str) -> nn.Module:
    torch.manual_seed(0)
    model = MODELS.build(dict(BACKBONES[name]))
    model.eval()
    return model


def images(batch: int = 1) -> Tensor:
    return torch.randn(batch, *SIZE, generator=torch.Generator().manual_seed(1))


def outputs(model: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    found = model(x)
    return tuple(found) if isinstance(found, (tuple, list)) else (found,)


def assert_alike(found: tuple[Tensor, ...], expected: tuple[Tensor, ...], share: float) -> None:
    """Every difference is at most this share of the output's greatest value.

    Random weights make outputs of 1e-8 (MobileNets) and of 60 (PIDNet): no one number fits both.
    """
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs, rtol=0, atol=share * float(theirs.detach().abs().max()))


def restated(delta: float, options: dict) -> Callable:
    """Forward hook with the equation, written out with torch's plain operations."""

    def hook(module: nn.Module, inputs: tuple, x: Tensor) -> Tensor:
        axes = (1,) if options.get('layout') == 'nlc' else (2, 3)
        positive = x.clamp(min=0)
        peak = positive.amax(axes, keepdim=True)
        if options.get('rectify', True):
            return torch.minimum(positive, peak * delta)
        return torch.where(peak > 0, torch.minimum(x, peak * delta), x)

    return hook


def test_every_preset_is_in_the_table() -> None:
    """VGG and ConvNeXt are classes of other packages, the second one's optional."""
    found = {type(plain(name)) for name in BACKBONES}
    names = {parent.__name__ for kind in found for parent in kind.__mro__}
    assert set(PRESETS) - names == ({'VGG'} if mmpretrain else {'VGG', 'ConvNeXt'})


@EVERY
def test_output_is_the_equation(name: str) -> None:
    model, reference = build(name, dict(type='DRS', delta=0.6)), plain(name)
    reference.load_state_dict(model.state_dict())
    preset = find_preset(reference)
    modules = dict(reference.named_modules())
    places = [place for place in runs_of(reference, SIZE) if place.replace('.', '_') in model.drs]
    assert len(places) == len(model.drs) > 0
    before = outputs(model, images())
    for place in places:
        modules[split_place(place)[0]].register_forward_hook(restated(0.6, preset.options))
    with torch.no_grad():
        expected = outputs(reference, images())
    assert_alike(before, expected, 1e-5)
    undone = outputs(plain(name), images())
    with pytest.raises(AssertionError, match='not close'):
        assert_alike(before, undone, 0.01)


@EVERY
def test_plain_checkpoints_load_and_go_back(name: str) -> None:
    weights = plain(name).state_dict()
    build(name, dict(type='DRS')).load_state_dict(weights, strict=True)
    model = build(name)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and missing
    assert all(key.startswith('drs.') and key.endswith('controller.weight') for key in missing)
    _, unexpected = plain(name).load_state_dict(model.state_dict(), strict=False)
    assert set(unexpected) == set(missing)


@EVERY
def test_controllers_keep_their_initialisation(name: str) -> None:
    """N(0, 0.01), whatever the backbone's own `init_weights` does to its linear layers."""
    model = build(name)
    model.init_weights()
    values = torch.cat([layer.controller.weight.flatten() for layer in model.drs.values()])
    assert len(values) >= 100 and 0.007 < values.std().item() < 0.013


@EVERY
def test_gradients_reach_every_controller(name: str) -> None:
    """In training mode, where dropped paths and auxiliary outputs are on."""
    model = build(name)
    model.train()
    sum(out.square().mean() for out in outputs(model, images(2))).backward()
    for key, parameter in model.drs.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, key


@EVERY
@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent(name: str, duplicate: Callable) -> None:
    model = build(name)
    twin = duplicate(model)
    before = outputs(model, images())
    assert_close(outputs(twin, images()), before)
    for parameter in twin.drs.parameters():
        parameter.data.add_(1.0)
    assert_close(outputs(model, images()), before)
    changed = outputs(twin, images())
    assert any(not torch.equal(a, b) for a, b in zip(changed, before, strict=True))


@EVERY
def test_ema_averages_the_controllers(name: str) -> None:
    model = build(name)
    average = ExponentialMovingAverage(model, momentum=0.25)
    average.update_parameters(model)  # the first update copies
    key, parameter = next(iter(model.drs.named_parameters()))
    before = parameter.detach().clone()
    parameter.data.add_(1.0)
    average.update_parameters(model)
    averaged = dict(average.module.drs.named_parameters())[key]
    assert_close(averaged, before + 0.25)


@EVERY
def test_sync_bn_conversion_keeps_the_places(name: str) -> None:
    model = build(name)
    before = outputs(model, images())
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(model))
    if any(isinstance(m, nn.BatchNorm2d) for m in model.modules()):
        assert any(isinstance(m, nn.SyncBatchNorm) for m in converted.modules())
    back = revert_sync_batchnorm(converted)
    back.eval()
    assert_close(outputs(back, images()), before)


@EVERY
def test_bf16_autocast(name: str) -> None:
    model = build(name)
    model.train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = sum(out.float().square().mean() for out in outputs(model, images(2)))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in model.drs.parameters())


@EVERY
def test_compiles_in_one_graph(name: str) -> None:
    model = build(name)
    torch.compiler.reset()
    before = outputs(model, images())
    compiled = torch.compile(model, fullgraph=True, backend='eager')
    assert_alike(outputs(compiled, images()), before, 1e-4)


@EVERY
def test_exports(name: str) -> None:
    model = build(name)
    program = torch.export.export(model, (images(),), strict=False)
    assert_alike(outputs(program.module(), images()), outputs(model, images()), 1e-4)


# The exporter is the older one, and the backbones of transformers look at the shapes of tensors.
@pytest.mark.filterwarnings('ignore::DeprecationWarning', 'ignore::torch.jit.TracerWarning')
@EVERY
def test_onnx(name: str, tmp_path: Path) -> None:
    """By the tracing exporter, which takes a second or two."""
    _check_onnx(name, tmp_path, dynamo=False)


@pytest.mark.parametrize('name', ['dilated_vgg', 'swin'])
def test_onnx_of_torch_export(name: str, tmp_path: Path) -> None:
    """By torch's newer exporter: it takes several seconds, so of features and of tokens only."""
    pytest.importorskip('onnxscript')
    _check_onnx(name, tmp_path, dynamo=True)


def _check_onnx(name: str, folder: Path, dynamo: bool) -> None:
    """ONNX Runtime computes what the model computes."""
    pytest.importorskip('onnx')
    onnxruntime = pytest.importorskip('onnxruntime')
    model, path = build(name), str(folder / 'net.onnx')
    torch.onnx.export(model, (images(),), path, dynamo=dynamo, opset_version=18)
    session = onnxruntime.InferenceSession(path)
    found = session.run(None, {session.get_inputs()[0].name: images().numpy()})
    with torch.no_grad():
        expected = outputs(model, images())
    # PIDNet sums up numbers so great that float32 rounds by 1e-4 of the result.
    assert_alike(tuple(map(torch.from_numpy, found)), expected, 1e-3)


@pytest.mark.parametrize('name', ['resnet_basic', 'resnet_v1c', 'resnext', 'resnest'])
def test_frozen_stages_and_frozen_statistics(name: str) -> None:
    """A frozen stage stays frozen, its DRS does not."""
    model = build(name, frozen_stages=3, norm_eval=True)
    model.train()
    assert not any(p.requires_grad for p in model.layer3.parameters())
    assert all(p.requires_grad for p in model.layer4.parameters())
    assert all(p.requires_grad for p in model.drs.parameters())
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)


@pytest.mark.parametrize('name', ['resnet_basic', 'resnet_bottleneck', 'resnext', 'swin'])
def test_checkpointing_gives_the_same_gradients(name: str) -> None:
    gradients = []
    for with_cp in (False, True):
        model = build(name, with_cp=with_cp)
        model.train()
        for module in model.modules():
            if isinstance(module, (nn.Dropout, nn.BatchNorm2d)) or 'Drop' in type(module).__name__:
                module.eval()  # neither random numbers nor statistics of a second forward
        sum(out.square().mean() for out in outputs(model, images(2))).backward()
        gradients.append([p.grad for p in model.drs.parameters()])
    assert_close(gradients[0], gradients[1])


def test_one_run_of_a_shared_relu() -> None:
    """`@2` is the run behind the second batch norm's addition; with_cp computes blocks again."""
    places = ['layer4.0.relu@1', 'layer4.1.relu@2']
    for with_cp in (False, True):
        torch.manual_seed(0)
        model = MODELS.build(
            dict(
                type='DRSBackbone',
                backbone=dict(BACKBONES['resnet_basic'], with_cp=with_cp),
                drs=dict(type='DRS', delta=0.6),
                layers=places,
            )
        )
        model.eval()
        assert set(model.drs) == {'layer4_0_relu_run1', 'layer4_1_relu_run2'}
        reference = plain('resnet_basic')
        reference.load_state_dict(model.state_dict(), strict=True)
        features = outputs(reference, images())[2]
        first, second = reference.layer4
        suppressed = restated(0.6, {})
        x = suppressed(None, (), first.bn1(first.conv1(features)).relu())
        x = (first.bn2(first.conv2(x)) + first.downsample(features)).relu()
        expected = suppressed(None, (), second(x))  # the second run is the block's output
        for _ in range(2):  # the count starts again with every forward
            found = outputs(model, images().requires_grad_())[3]
            assert_close(found, expected)
            found.sum().backward()  # where checkpointing computes the block again


def test_options_by_layer() -> None:
    model = MODELS.build(
        dict(
            type='DRSBackbone',
            backbone=BACKBONES['resnet_basic'],
            drs=dict(type='DRS', delta=0.5),
            layers={r'layer[34]': dict(delta=0.9), 'layer4': dict(in_eval=False)},
        )
    )
    assert {name: (layer.delta, layer.in_eval) for name, layer in model.drs.items()} == {
        'layer3': (0.9, True),
        'layer4': (0.9, False),
    }


@pytest.mark.skipif(not mmpretrain, reason='mmpretrain (and torchvision, for it) is not there')
def test_convnext_of_mmpretrain() -> None:
    """Behind whole stages, in front of the norms of the outputs."""
    model = build('convnext')
    assert list(model.drs) == ['stages_2', 'stages_3']
    assert not any(layer.rectify for layer in model.drs.values())
    assert [len(layer.controller.weight) for layer in model.drs.values()] == [16, 16]


def _train_wrapped(rank: int, init_file: str, found) -> None:
    """In one of two processes: two steps of every backbone, unused parameters refused."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{init_file}', rank=rank, world_size=2
    )
    with DefaultScope.overwrite_default_scope('mmseg'):
        for name in BACKBONES:
            model = nn.parallel.DistributedDataParallel(build(name), find_unused_parameters=False)
            model.train()
            for step in range(2):  # the second forward complains of what the first left unused
                x = torch.randn(2, *SIZE, generator=torch.Generator().manual_seed(2 * step + rank))
                sum(out.square().mean() for out in outputs(model, x)).backward()
            total = sum(p.grad.double().abs().sum() for p in model.module.drs.parameters())
            found[f'{name}_{rank}'] = float(total)
    # Before the group: as its last owner, the wrapper would free it while it holds Python's lock,
    # for which the group's own threads may wait.
    del model
    torch.distributed.destroy_process_group()


def test_two_processes_without_unused_parameters(tmp_path) -> None:
    with torch.multiprocessing.Manager() as manager:
        found = manager.dict()
        torch.multiprocessing.spawn(
            _train_wrapped, args=(str(tmp_path / 'init'), found), nprocs=2, join=True
        )
        assert len(found) == 2 * len(BACKBONES)
        for name in BACKBONES:  # each process saw other images, both have the same gradients
            assert found[f'{name}_0'] == pytest.approx(found[f'{name}_1'], rel=1e-6) != 0


def test_documented_table_is_the_presets() -> None:
    text = (Path(__file__).parents[3] / 'docs' / 'backbones.md').read_text()
    lines = [line for line in text.splitlines() if line.startswith('| `')]
    documented = {}
    for line in lines:
        name, places, options = (cell.strip() for cell in re.split(r'(?<!\\)\|', line)[1:4])
        pattern = re.findall('`([^`]+)`', places)[0].replace('\\|', '|')
        found = re.findall('`([^`]+)`', options)
        documented[re.findall('`([^`]+)`', name)[0]] = (pattern, found[0] if found else '')
    expected = {
        name: (preset.layers[0], ', '.join(f'{k}={v!r}' for k, v in preset.options.items()))
        for name, preset in PRESETS.items()
    }
    assert documented == expected
