"""Released checkpoints: recognised, renamed, refused."""

import pytest
import torch
from mmseg.registry import MODELS
from torch import Tensor

from mmdrs.apis import load_config
from mmdrs.errors import InputError
from tests.parity.golden import GoldenFolder
from tests.pipeline_runs import ROOT, load_tool

converter = load_tool('model_converters/released_checkpoints')

pytestmark = pytest.mark.usefixtures('mmseg_scope')
NAMES = ('drs_vgg16', 'refine_vgg16', 'deeplabv2_resnet101_msc', 'deeplabv3plus_resnet101')


@pytest.fixture(scope='module')
def refine(golden: GoldenFolder) -> dict[str, Tensor]:
    return golden.checkpoint('refine_vgg16')


@pytest.fixture(scope='module')
def deeplabv2(golden: GoldenFolder) -> dict[str, Tensor]:
    return golden.checkpoint('deeplabv2_resnet101_msc')


def build(config: str):
    return MODELS.build(load_config(str(ROOT / 'configs' / config)).model)


@pytest.mark.parametrize(
    ('name', 'form', 'doubled'),
    list(zip(NAMES, converter.FORMATS[:4], (26, 26, 0, 0), strict=True)),
)
def test_the_four_releases(golden: GoldenFolder, name: str, form, doubled: int) -> None:
    """Recognised, and every tensor of our model comes from exactly one of the file."""
    checkpoint = golden.checkpoint(name)
    converted = converter.convert({f'module.{key}': value for key, value in checkpoint.items()})
    assert converted.format is form and not converted.left_out
    assert len(converted.doubled) == doubled
    assert len(converted.weights) == len(checkpoint) - doubled
    converter.load_converted(build(form.config), converted)


def test_doubled_convolutions_are_kept_once(refine: dict[str, Tensor]) -> None:
    converted = converter.convert(refine)
    assert torch.equal(converted.weights['backbone.features.24.bias'], refine['layer5_conv1.bias'])
    assert torch.equal(converted.weights['backbone.extra.4.weight'], refine['extra_conv3.weight'])
    assert 'layer5_conv1.bias' in converted.doubled
    changed = {**refine, 'features.0.bias': refine['features.0.bias'] + 1}
    with pytest.raises(InputError, match=r"'best.pth' holds .*layer1_conv1.bias twice.*differ"):
        converter.convert(changed, 'best.pth')


def test_controllers_follow_their_convolution(golden: GoldenFolder) -> None:
    checkpoint = golden.checkpoint('drs_vgg16')
    weights = converter.convert(checkpoint).weights
    for ours, released in (
        ('features_1', 'layer1_relu1'),
        ('features_15', 'layer3_relu3'),
        ('features_29', 'layer5_relu3'),
        ('extra_5', 'extra_relu3'),
    ):
        key = f'backbone.drs.{ours}.controller.weight'
        assert torch.equal(weights[key], checkpoint[f'{released}.fc.0.weight'])


def test_concatenation_order_of_deeplabv3plus(golden: GoldenFolder) -> None:
    """Input channels of a concatenation: ours are [pool, convolutions] and [deep, low-level]."""
    checkpoint = golden.checkpoint('deeplabv3plus_resnet101')
    weights = converter.convert(checkpoint).weights
    released = checkpoint['classifier.aspp.project.0.weight']
    ours = weights['decode_head.bottleneck.0.conv.weight']
    assert torch.equal(ours[:, :256], released[:, 1024:])
    assert torch.equal(ours[:, 256:], released[:, :1024])
    released = checkpoint['classifier.classifier.0.weight']
    ours = weights['decode_head.sep_bottleneck.conv.weight']
    assert torch.equal(ours[:, :256], released[:, 48:])
    assert torch.equal(ours[:, 256:], released[:, :48])


def test_coco_backbone(deeplabv2: dict[str, Tensor]) -> None:
    """The file has no counters (an old PyTorch) and a classifier of COCO's classes."""
    coco = {
        key.removeprefix('base.'): value
        for key, value in deeplabv2.items()
        if 'aspp' not in key and not key.endswith('num_batches_tracked')
    }
    coco |= {'fc.weight': torch.zeros(91, 2048, 1, 1), 'fc.bias': torch.zeros(91)}
    converted = converter.convert(coco)
    assert converted.format.backbone_only and converted.left_out == ['fc.weight', 'fc.bias']
    model = build(converted.format.config)
    converter.load_converted(model, converted)
    name = 'layer5.block3.conv3x3.conv.weight'
    assert torch.equal(model.backbone.layer4[2].conv2.weight, coco[name])
    name = 'layer2.block1.shortcut.bn.running_mean'
    assert torch.equal(model.backbone.layer1[0].downsample[1].running_mean, coco[name])


def test_training_state_is_reported(refine: dict[str, Tensor]) -> None:
    parameter = torch.nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    parameter.grad = torch.ones(2)
    optimizer.step()
    state = dict(model=refine, optimizer=optimizer.state_dict(), epoch=12, miou=0.61)
    assert converter.convert(state).training_state == dict(
        optimizer='optimizer with 1 groups, state of 1 parameters', epoch='12', miou='0.61'
    )


def test_what_is_refused(refine: dict[str, Tensor]) -> None:
    def refusal(checkpoint, load: bool = False) -> str:
        with pytest.raises(InputError) as error:
            converted = converter.convert(checkpoint, 'x.pth')
            if load:
                converter.load_converted(build(converted.format.config), converted, 'x.pth')
        return str(error.value)

    # The first key that does not belong, of two.
    strange = {**refine, 'layer9_conv1.weight': torch.zeros(1), 'zzz': torch.zeros(1)}
    assert "but for 'layer9_conv1.weight'" in refusal(strange)
    assert "its first key is 'conv1.weight'" in refusal({'conv1.weight': torch.zeros(1)})
    assert 'it is empty' in refusal({})
    assert 'holds no state dict, but list' in refusal([1])
    assert "'epoch' is no tensor" in refusal({'epoch': 3})

    gone = {k: v for k, v in refine.items() if k != 'extra_conv4.bias'}
    assert 'nothing for decode_head.conv_seg.bias' in refusal(gone, load=True)
    wide = {**refine, 'extra_conv4.bias': torch.zeros(80)}
    assert 'has the shape (80,), our model (20,)' in refusal(wide, load=True)
