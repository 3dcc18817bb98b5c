"""DRS put into backbones: places, keys, copies, errors."""

import copy
import pickle

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch import nn
from torch.testing import assert_close

from mmdrs.models.backbones.drs_backbone import attach_drs, select_layers
from mmdrs.models.backbones.places import runs_of
from mmdrs.models.layers.observation import without_drs
from mmdrs.models.ops.suppression import suppress

SMALL_VGG = dict(
    type='DilatedVGG', depths=(1, 1), channels=(4, 6), strides=(2,), extra_channels=(5,)
)
RESNET = dict(type='ResNet', depth=18, base_channels=8, norm_cfg=dict(type='BN'))


class Unused(nn.Module):
    """A backbone with a module that its forward does not call."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.never = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x)


def build(backbone: dict, layers, drs: dict | None = None) -> nn.Module:
    return MODELS.build(
        dict(
            type='DRSBackbone',
            backbone=backbone,
            drs=drs or dict(type='DRS', delta=0.5),
            layers=layers,
        )
    )


def test_default_of_vgg_is_every_relu() -> None:
    model = MODELS.build(
        dict(type='DRSBackbone', backbone=dict(type='DilatedVGG'), drs=dict(type='LearnableDRS'))
    )
    assert len(model.drs) == 16
    assert not any(isinstance(m, nn.ReLU) for m in model.modules())
    assert sum(p.numel() for p in model.drs.parameters()) == 2_596_864  # as in the reference


def test_output_equals_the_equation_layer_by_layer() -> None:
    torch.manual_seed(0)
    model = build(SMALL_VGG, 'default')
    x = torch.randn(2, 3, 16, 16)
    conv1, conv2, conv3 = model.features[0], model.features[3], model.extra[0]
    expected = suppress(conv1(x), 0.5)
    expected = suppress(conv2(nn.functional.max_pool2d(expected, 2)), 0.5)
    assert_close(model(x)[0], suppress(conv3(expected), 0.5))


def test_after_a_block_that_is_no_relu() -> None:
    torch.manual_seed(0)
    plain, model = MODELS.build(RESNET), build(RESNET, ['layer3', r'layer4\.\d'])
    plain.eval()  # ResNet.eval() returns None
    model.eval()
    model.load_state_dict(plain.state_dict(), strict=True)  # constant DRS adds no key
    assert set(model.drs) == {'layer3', 'layer4_0', 'layer4_1'}
    x = torch.randn(1, 3, 64, 64)
    features = plain.layer2(plain.layer1(plain.maxpool(plain.relu(plain.norm1(plain.conv1(x))))))
    features = suppress(plain.layer3(features), 0.5)
    for block in plain.layer4:
        features = suppress(block(features), 0.5)
    assert_close(model(x)[-1], features)


def test_keys_of_the_backbone_stay() -> None:
    plain = MODELS.build(RESNET).state_dict()
    model = build(RESNET, ['layer2', 'layer4'], dict(type='LearnableDRS'))
    new = set(model.state_dict()) - set(plain)
    assert set(plain) <= set(model.state_dict())
    assert new == {'drs.layer2.controller.weight', 'drs.layer4.controller.weight'}
    assert model.drs['layer2'].controller.weight.shape == (16, 16)
    assert type(model).__name__ == 'ResNet'
    missing, unexpected = model.load_state_dict(plain, strict=False)
    assert set(missing) == new and not unexpected


def test_probe_leaves_modes_and_statistics_alone() -> None:
    model = build(dict(RESNET, norm_eval=True, frozen_stages=1), ['layer4'])
    model.train()
    assert not model.bn1.training and model.layer4.training
    assert model.layer3[0].bn1.num_batches_tracked == 0


@pytest.mark.parametrize('duplicate', [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_independent(duplicate) -> None:
    torch.manual_seed(0)
    model = build(SMALL_VGG, 'default', dict(type='LearnableDRS')).eval()
    x = torch.randn(1, 3, 16, 16)
    twin = duplicate(model)
    before = model(x)[0]
    assert_close(twin(x)[0], before)
    for parameter in twin.drs.parameters():
        parameter.data.add_(1.0)
    assert_close(model(x)[0], before)
    assert not torch.equal(twin(x)[0], before)


def test_gradient_reaches_every_controller() -> None:
    torch.manual_seed(0)
    model = build(SMALL_VGG, 'default', dict(type='LearnableDRS'))
    model(torch.randn(2, 3, 16, 16))[0].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.drs.parameters())


def test_precedence_of_options() -> None:
    """Those of the preset, then `drs`, then those of a place."""
    backbone = dict(
        type='SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1)
    )
    chosen = [(layer.delta, layer.rectify) for layer in build(backbone, 'default').drs.values()]
    assert chosen == [(0.5, False)] * 2  # tokens are signed: the preset says so
    drs = dict(type='DRS', delta=0.5, rectify=True)
    assert all(layer.rectify for layer in build(backbone, 'default', drs).drs.values())
    layers = {'norm[23]': dict(layout='nlc', delta=0.7), 'norm3': dict(rectify=False)}
    found = build(backbone, layers, drs).drs
    assert [(x.delta, x.rectify) for x in found.values()] == [(0.7, True), (0.7, False)]


def test_exact_name_goes_before_expression() -> None:
    model = MODELS.build(RESNET)
    runs = runs_of(model, (3, 64, 64))
    assert list(select_layers(model, ['layer1'], runs)) == ['layer1']
    assert list(select_layers(model, ['layer[12]'], runs)) == ['layer1', 'layer2']
    # An expression does not mean the runs of a shared ReLU by accident.
    chosen = list(select_layers(model, [r'layer1\.0.*'], runs))
    assert 'layer1.0.conv1' in chosen and not any('relu' in name for name in chosen)


def test_errors_name_module_and_reason() -> None:
    with pytest.raises(
        ValueError, match=r"'laier4' matches no module of ResNet; close names.*layer4"
    ):
        build(RESNET, ['laier4'])
    with pytest.raises(
        ValueError,
        match=r"'layer1.0.relu' runs 2 times per forward; name one of its runs, "
        'layer1.0.relu@1',
    ):
        build(RESNET, ['layer1.0.relu'])
    with pytest.raises(ValueError, match="'never' runs 0 times per forward"):
        attach_drs(Unused(), dict(type='DRS'), ['never'])
    with pytest.raises(ValueError, match='Unused has no default places.*ResNet'):
        attach_drs(Unused(), dict(type='DRS'), 'default')
    with pytest.raises(ValueError, match="layers must be 'default', a list"):
        build(RESNET, 'layer4')
    with pytest.raises(
        ValueError, match=r"returns \(1, 256, 8\), not one tensor of layout 'nchw'.*layout='nlc'"
    ):
        build(dict(type='MixVisionTransformer', embed_dims=8), ['layers.0.1.0'])


class SharedName(nn.Module):
    """One ReLU under two names, called by the second."""

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 1), self.act, nn.Conv2d(4, 4, 1))

    def forward(self, x: torch.Tensor, again: bool = True) -> torch.Tensor:
        return self.act(self.layers(x)) if again else self.layers(x)


def test_module_with_two_names() -> None:
    """Replaced under both: the runs count whichever name is called."""
    torch.manual_seed(0)
    plain = SharedName()
    model = attach_drs(copy.deepcopy(plain), dict(type='DRS', delta=0.5), ['act@1'])
    x = torch.randn(1, 3, 6, 6)
    first = suppress(plain.layers[0](x), 0.5)
    assert_close(model(x), plain.layers[2](first).relu())
    model = attach_drs(copy.deepcopy(plain), dict(type='DRS', delta=0.5), ['act@2'])
    assert_close(model(x), suppress(plain.layers(x), 0.5))


def test_pretrained_of_a_stock_segmentor_reaches_the_backbone(tmp_path) -> None:
    """Stock configs give `pretrained` to the segmentor, which sets it on the backbone's config."""
    torch.manual_seed(1)
    weights = MODELS.build(RESNET).state_dict()
    torch.save(weights, tmp_path / 'resnet.pth')
    model = MODELS.build(
        dict(
            type='DRSBackbone',
            backbone=RESNET,
            drs=dict(type='LearnableDRS'),
            layers=['layer4'],
            pretrained=str(tmp_path / 'resnet.pth'),
        )
    )
    model.init_weights()
    assert torch.equal(model.layer4[1].conv2.weight, weights['layer4.1.conv2.weight'])


def test_wrong_places_are_named() -> None:
    with pytest.raises(ValueError, match=r"'layer\(4' is no regular expression"):
        build(RESNET, ['layer(4'])
    with pytest.raises(ValueError, match='this ResNet has DRS already'):
        attach_drs(build(RESNET, ['layer4']), dict(type='DRS'), ['layer3'])


def test_conversion_to_sync_bn_and_back_keeps_drs() -> None:
    """Conversions put new modules in the place of batch norms; copies of the model as well."""
    x, model = torch.randn(2, 3, 32, 32), build(RESNET, ['layer3.0.bn1', 'layer4.1.bn2'])
    model.eval()
    expected = model(x)[-1]
    with without_drs(model):
        assert not torch.allclose(model(x)[-1], expected)
    for converted in (copy.deepcopy(model), model):
        nn.SyncBatchNorm.convert_sync_batchnorm(converted)
        assert isinstance(converted.layer4[1].bn2, nn.SyncBatchNorm)
        assert_close(converted(x)[-1], expected)
        assert_close(converted(x)[-1], expected)  # and not twice
        revert_sync_batchnorm(converted)
        assert not isinstance(converted.layer4[1].bn2, nn.SyncBatchNorm)
        assert_close(converted(x)[-1], expected)
