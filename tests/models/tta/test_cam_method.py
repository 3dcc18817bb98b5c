"""Maps of pytorch-grad-cam's methods, against the library itself and against CAM."""

import copy
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close

from mmdrs.engine.loops.map_loop import localization_model, predict_maps
from mmdrs.errors import InputError
from mmdrs.models.tta import LocalizationTTA, cam_methods

pytestmark = pytest.mark.usefixtures('mmseg_scope')
ALIGNED = dict(mode='bilinear', align_corners=True)
SIDE = 20
#: Those of version 1.5.7, without FullGrad and FinerCAM.
METHODS = ['AblationCAM', 'EigenCAM', 'EigenGradCAM', 'FEM', 'GradCAM']
METHODS += ['GradCAMElementWise', 'GradCAMPlusPlus', 'HiResCAM', 'KPCA_CAM', 'LayerCAM']
METHODS += ['RandomCAM', 'RefineCAM', 'SESS', 'ScoreCAM', 'SegEigenCAM', 'ShapleyCAM', 'XGradCAM']
NONE = dict(mean=[0.0] * 3, std=[1.0] * 3)


def segmentor(drs: bool = False, stride: int = 2, head: str = 'CAMHead') -> nn.Module:
    """A classifier whose class maps have values of both signs, large beside 1e-5."""
    backbone = dict(
        type='DilatedVGG', depths=(1, 1), channels=(4, 6), strides=(stride,), extra_channels=(8,)
    )
    if drs:
        backbone = dict(type='DRSBackbone', backbone=backbone, drs=dict(type='DRS', delta=0.6))
    model = MODELS.build(
        dict(
            type='ImageLabelEncoderDecoder',
            data_preprocessor=dict(type='SegDataPreProcessor', **NONE),
            backbone=backbone,
            decode_head=dict(type=head, in_channels=8, num_classes=4),
            test_cfg=ConfigDict(mode='whole'),
        )
    )
    torch.manual_seed(1)
    for parameter in model.parameters():
        nn.init.uniform_(parameter, -0.5, 0.6)
    nn.init.uniform_(model.decode_head.conv_seg.weight, -50, 50)
    nn.init.zeros_(model.decode_head.conv_seg.bias)
    return model.eval()


def batch(images: Tensor, labels: Sequence[Sequence[float] | None], **meta) -> dict:
    samples = []
    for label in labels:
        sample = SegDataSample(
            metainfo=dict(ori_shape=(SIDE, SIDE), img_shape=(SIDE, SIDE), **meta)
        )
        if label is not None:
            sample.set_data(dict(img_label=torch.tensor(label)))
        samples.append(sample)
    return dict(inputs=list(images), data_samples=samples)


@torch.no_grad()
def maps_of(model: LocalizationTTA, data: dict) -> Tensor:
    """Maps without the background (N, 3, SIDE, SIDE), under `no_grad` as in the test loop."""
    return torch.stack([found.seg_logits.data[1:] for found in model.test_step(data)])


class Logits(nn.Module):
    """The image-level scores, restated."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.features = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        features = self.features(self.model.backbone(images)[0])
        return self.model.decode_head.conv_seg(features).mean((2, 3))


def library_map(
    library: ModuleType,
    name: str,
    model: nn.Module,
    image: Tensor,
    index: int,
    layer: nn.Module | None = None,
) -> Tensor:
    """What the library itself gives for one image (3, H, W) and class: (H, W)."""
    logits = Logits(model)
    cam = getattr(library, name)(logits, [layer or logits.features])
    target = library.utils.model_targets.ClassifierOutputTarget(index)
    return torch.from_numpy(cam(image[None], [target])[0])


@pytest.fixture
def images() -> Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(3)) * 2 - 1


def test_methods_of_the_library(grad_cam: ModuleType) -> None:
    assert list(cam_methods()) == METHODS


@pytest.mark.parametrize('drs', [False, True], ids=['plain', 'DRS'])
@pytest.mark.parametrize('name', [name for name in METHODS if name != 'RandomCAM'])
def test_a_map_is_that_of_the_library(
    grad_cam: ModuleType, images: Tensor, capfd: pytest.CaptureFixture, name: str, drs: bool
) -> None:
    """At one scale, of the input's size; two images of one and of two classes in a batch."""
    model = segmentor(drs)
    hooks = [len(module._forward_hooks) for module in model.modules()]
    found = maps_of(
        LocalizationTTA(model, method=name), batch(images, [[1.0, 0, 1.0], [0, 0, 1.0]])
    )
    assert capfd.readouterr().err == ''  # no bar for each image
    assert [len(module._forward_hooks) for module in model.modules()] == hooks
    largest = []
    for number, index in ((0, 0), (0, 2), (1, 2)):
        expected = library_map(grad_cam, name, model, images[number], index)
        largest.append(expected.max())
        # All maps are divided by their maximum + 1e-5.
        assert_close(found[number, index], expected / (expected.max() + 1e-5), rtol=0, atol=1e-5)
    assert max(largest) > 0.9
    assert found[0, 1].max() == found[1, 0].max() == found[1, 1].max() == 0


def test_grad_cam_before_the_last_convolution_is_cam(grad_cam: ModuleType, images: Tensor) -> None:
    """But for the bias of the class, which the gradient does not know."""
    model = segmentor(stride=1)  # maps of the input's size: the library resizes in another way
    data = batch(images, [[1.0, 1.0, 1.0]] * 2)
    cam, found = (maps_of(LocalizationTTA(model, method=m), data) for m in (None, 'GradCAM'))
    assert (cam == 0).any((2, 3)).all() and (cam > 0.5).any((2, 3)).all()
    assert_close(found, cam, rtol=0, atol=2e-5)
    nn.init.constant_(model.decode_head.conv_seg.bias, -20.0)
    assert_close(maps_of(LocalizationTTA(model, method='GradCAM'), data), found)
    assert (maps_of(LocalizationTTA(model), data) - cam).abs().max() > 0.01


def test_scales_and_flips_are_merged_by_the_maximum(grad_cam: ModuleType, images: Tensor) -> None:
    model = segmentor()
    (image, _), label = images, [[0, 1.0, 0]]
    plain, flipped = (
        batch(images[:1], label, flip=False),
        batch(image.flip(2)[None], label, flip=True, flip_direction='horizontal'),
    )
    data = {key: [plain[key], flipped[key]] for key in plain}
    (found,) = maps_of(LocalizationTTA(model, (16, 24), method='GradCAMPlusPlus'), data)
    expected = []
    for side in (16, 24):
        for turned in (False, True):
            view = image.flip(2)[None] if turned else image[None]
            scaled = F.interpolate(view, (side, side), mode='bilinear')[0]
            made = library_map(grad_cam, 'GradCAMPlusPlus', model, scaled, 1)
            made = F.interpolate(made[None, None], (SIDE, SIDE), **ALIGNED)[0, 0]
            made = made / (made.max() + 1e-5)
            expected.append(made.flip(1) if turned else made)
    assert_close(found[1], torch.stack(expected).amax(0), rtol=0, atol=1e-5)
    assert not torch.equal(expected[0], expected[1])


def test_layer_before_a_relu_that_overwrites_its_input(
    grad_cam: ModuleType, images: Tensor
) -> None:
    """The map is that of the layer, not of the ReLU; also in a network that is frozen."""
    model = segmentor()
    kept = copy.deepcopy(model)
    assert model.backbone.features[1].inplace
    kept.backbone.features[1].inplace = False
    layer = kept.backbone.features[0]
    expected = library_map(grad_cam, 'GradCAM', kept, images[0], 1, layer)
    method = dict(type='GradCAM', layer='backbone.features.0')
    for frozen in (False, True):
        model.requires_grad_(not frozen)
        maker = LocalizationTTA(model, method=method)
        found = maps_of(maker, batch(images[:1], [[0, 1.0, 0]]))
        assert_close(found[0, 1], expected, rtol=0, atol=2e-5)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ('name', 'made', 'called'),
    [('FEM', dict(k=1), {}), ('LayerCAM', {}, dict(eigen_smooth=True))],
)
def test_several_layers_and_options(
    grad_cam: ModuleType, images: Tensor, name: str, made: dict, called: dict
) -> None:
    model = segmentor()
    layers = ['backbone.features', 'backbone.extra']
    maker = LocalizationTTA(model, method=dict(type=name, layer=layers, **made, **called))
    found = maps_of(maker, batch(images[:1], [[0, 1.0, 0]]))
    modules = [model.backbone.features, model.backbone.extra]
    cam = getattr(grad_cam, name)(Logits(model), modules, **made)
    target = grad_cam.utils.model_targets.ClassifierOutputTarget(1)
    expected = torch.from_numpy(cam(images[:1], [target], **called)[0])
    assert expected.max() > 0.9
    assert_close(found[0, 1], expected, rtol=0, atol=2e-5)
    record = dict(maker.method.record)
    assert record.pop('library').startswith('grad-cam 1.')
    assert record == dict(type=name, layer=layers, **made, **called)


def test_images_without_labels(grad_cam: ModuleType, images: Tensor) -> None:
    """The network says which classes they hold; an image may hold none."""
    model = segmentor()
    model.decode_head.conv_seg.bias.data = torch.tensor([1e3, -1e3, 1e3])
    maker = LocalizationTTA(model, method='GradCAM')
    found = maps_of(maker, batch(images, [None, [0, 1.0, 0]]))
    assert (found.amax((2, 3)) > 0).tolist() == [[True, False, True], [False, True, False]]
    assert maps_of(maker, batch(images[:1], [[0.0] * 3])).max() == 0


@pytest.mark.parametrize(
    ('method', 'message'),
    [
        ('GradCam', "no method 'GradCam', only AblationCAM, .*; did you mean 'GradCAM'"),
        (dict(layer='backbone'), "no method 'None', only AblationCAM"),
        (7, "no method '7'"),
        (dict(type='FEM', kk=3), "method FEM has no 'kk', only type, layer, eigen_smooth, k"),
        ('FullGrad', "no method 'FullGrad', only"),
        (dict(type='GradCAM', layer='backbone.extras'), "no layer 'backbone.extras'; did you mean "
         "'backbone.extra'"),
    ],
)  # fmt: skip
def test_methods_that_cannot_be_used(grad_cam: ModuleType, method: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        localization_model(segmentor(), None, None, method=method)


def test_networks_that_have_no_such_maps(grad_cam: ModuleType, images: Tensor) -> None:
    refinement = segmentor(head='RefinementHead')
    with pytest.raises(InputError, match='decode_head is a CAMHead; this one is a RefinementHead'):
        LocalizationTTA(refinement, method='GradCAM')
    model = segmentor()
    maker = localization_model(LocalizationTTA(model, (16,)), None, None, method='GradCAM')
    assert (maker.module, maker.scales, maker.method.name) == (model, (16,), 'GradCAM')
    with pytest.raises(InputError, match="method GradCAM .*precision='float32'"):
        predict_maps(maker, batch(images, [None] * 2), 'bfloat16')
    maker = LocalizationTTA(model, method=dict(type='GradCAM', layer='backbone'))
    with pytest.raises(InputError, match='method GradCAM at backbone: .*tuple'):
        maps_of(maker, batch(images, [[1.0, 0, 0]] * 2))
    model.test_cfg = ConfigDict(mode='slide', crop_size=(16, 16), stride=(8, 8))
    with pytest.raises(InputError, match="test_cfg=dict\\(mode='whole'\\)"):
        LocalizationTTA(model, method='GradCAM')


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pytorch_grad_cam', None)
    with pytest.raises(InputError, match=r"cannot be imported .*pip install 'mmdrs\[cam\]'"):
        LocalizationTTA(segmentor(), method='GradCAM')
