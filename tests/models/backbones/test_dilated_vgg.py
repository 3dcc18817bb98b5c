"""Layout and checkpoint keys of the VGG of the reference."""

import json

import pytest
import torch
from mmseg.registry import MODELS
from torch import nn

from tests.parity.golden import GoldenFolder
from tests.pipeline_runs import load_tool

released = load_tool('model_converters/released_checkpoints')


def test_layout_of_the_reference() -> None:
    model = MODELS.build(dict(type='DilatedVGG'))
    convs = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d)}
    assert [n for n in convs if n.startswith('features')] == [
        f'features.{i}' for i in released.VGG_CONVS.values()
    ]
    for name in ('features.24', 'features.26', 'features.28'):
        assert convs[name].dilation == (2, 2) and convs[name].padding == (2, 2)
    assert convs['features.21'].dilation == (1, 1)
    assert convs['extra.0'].dilation == (1, 1)
    pools = [m for m in model.modules() if isinstance(m, nn.MaxPool2d)]
    assert [(p.kernel_size, p.stride, p.padding) for p in pools] == [
        (2, 2, 0), (2, 2, 0), (2, 2, 0), (3, 1, 1),
    ]  # fmt: skip
    assert sum(isinstance(m, nn.ReLU) for m in model.modules()) == 16


def test_features_at_output_stride_8() -> None:
    (features,) = MODELS.build(dict(type='DilatedVGG'))(torch.zeros(1, 3, 64, 96))
    assert features.shape == (1, 512, 8, 12)


def test_keys_load_torchvision_weights(tmp_path, golden: GoldenFolder) -> None:
    """Every `features.*` key of torchvision's VGG-16 with its shape, and its value arrives."""
    shapes = json.loads((golden.folder / 'keys_drs_vgg16.json').read_text())
    weights = {k: torch.rand(s) for k, s in shapes.items() if k.startswith('features.')}
    weights['classifier.0.weight'] = torch.rand(2, 2)  # torchvision's file has these as well
    path = tmp_path / 'vgg16.pth'
    torch.save(weights, path)
    model = MODELS.build(
        dict(type='DilatedVGG', init_cfg=dict(type='Pretrained', checkpoint=str(path)))
    )
    model.init_weights()
    own = {k: v for k, v in model.state_dict().items() if k.startswith('features.')}
    assert own.keys() == {k for k in weights if k.startswith('features.')}
    assert all(torch.equal(own[key], weights[key]) for key in own)


def test_new_convolutions_start_as_released() -> None:
    torch.manual_seed(0)
    model = MODELS.build(dict(type='DilatedVGG'))
    model.init_weights()
    expected = (2 / (9 * 512)) ** 0.5
    assert model.extra[0].weight.std().item() == pytest.approx(expected, rel=0.02)
    assert not model.extra[0].bias.any()


def test_small_variant_with_norm() -> None:
    model = MODELS.build(
        dict(
            type='DilatedVGG',
            depths=(1, 2),
            channels=(8, 16),
            strides=(2,),
            extra_channels=(24,),
            norm_cfg=dict(type='BN'),
        )
    )
    assert model(torch.zeros(2, 3, 32, 32))[0].shape == (2, 24, 16, 16)
    assert sum(isinstance(m, nn.BatchNorm2d) for m in model.modules()) == 4
    with pytest.raises(ValueError, match='strides one less'):
        MODELS.build(dict(type='DilatedVGG', depths=(1, 1), channels=(8, 8), strides=(2, 2)))
