"""Probabilities of a segmentation network as maps, against a restatement."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close

pytestmark = pytest.mark.usefixtures('mmseg_scope')
LABEL = torch.tensor([1.0, 0.0, 1.0])


def network(classes: int = 4, **head) -> nn.Module:
    torch.manual_seed(0)
    backbone = dict(
        type='DilatedVGG', depths=(1, 1), channels=(4, 6), strides=(2,), extra_channels=(8,)
    )
    head = dict(
        type='FCNHead',
        in_channels=8,
        channels=8,
        num_convs=0,
        concat_input=False,
        num_classes=classes,
        dropout_ratio=0,
        **head,
    )
    model = MODELS.build(
        dict(
            type='EncoderDecoder',
            data_preprocessor=dict(type='SegDataPreProcessor'),
            backbone=backbone,
            decode_head=head,
            test_cfg=ConfigDict(mode='whole'),
        )
    )
    nn.init.normal_(model.decode_head.conv_seg.weight)
    return model.eval()


def sample(labels: Tensor | None, size: tuple[int, int] = (30, 26)) -> SegDataSample:
    found = SegDataSample(metainfo=dict(ori_shape=size, img_shape=(20, 24), img_path='a.jpg'))
    if labels is not None:
        found.set_data(dict(img_label=labels))
    return found


def probabilities(model: nn.Module, inputs: Tensor, classes: list[int]) -> Tensor:
    """(1 + K, 30, 26) of one image among some channels, restated."""
    scores = model.decode_head(model.backbone(inputs))
    scores = F.interpolate(scores, (30, 26), mode='bilinear', align_corners=False)[0]
    made = torch.zeros_like(scores)
    made[classes] = scores[classes].softmax(dim=0)
    return made


@pytest.fixture
def image() -> Tensor:
    return torch.rand(3, 20, 24, generator=torch.Generator().manual_seed(3)) * 9


@torch.no_grad()
def test_mean_of_scales_and_mirror_images(image: Tensor) -> None:
    module = network()
    model = MODELS.build(
        dict(type='ClassProbabilityTTA', module=module, scales=(0.5, 1.0), flip=True, merge='mean')
    )
    (found,) = model.test_step(dict(inputs=[image], data_samples=[sample(LABEL)]))
    views = []
    for size in ((10, 12), (20, 24)):
        inputs = F.interpolate(image[None], size, mode='bilinear')
        views.append(probabilities(module, inputs, [0, 1, 3]))
        views.append(probabilities(module, inputs.flip(3), [0, 1, 3]).flip(2))
    expected = torch.stack(views).mean(dim=0)
    assert_close(found.seg_logits.data, expected)
    assert_close(expected.sum(dim=0), torch.ones(30, 26))
    assert not expected[2].any()
    assert torch.equal(found.pred_sem_seg.data[0], expected.argmax(dim=0))


@torch.no_grad()
def test_without_image_labels_all_classes_count(image: Tensor) -> None:
    module = network()
    model = MODELS.build(dict(type='ClassProbabilityTTA', module=module))
    (found,) = model.test_step(dict(inputs=[image], data_samples=[sample(None)]))
    assert_close(found.seg_logits.data, probabilities(module, image[None], [0, 1, 2, 3]))


@torch.no_grad()
def test_binary_head_of_one_channel(image: Tensor) -> None:
    """Its score is that of the one class; the background has the rest."""
    module = network(2, out_channels=1)
    model = MODELS.build(dict(type='ClassProbabilityTTA', module=module))
    (found,) = model.test_step(dict(inputs=[image], data_samples=[sample(torch.tensor([1.0]))]))
    scores = module.decode_head(module.backbone(image[None]))
    scores = F.interpolate(scores, (30, 26), mode='bilinear', align_corners=False)[0]
    assert_close(found.seg_logits.data[1], scores[0].sigmoid())
    assert_close(found.seg_logits.data[0], 1 - scores[0].sigmoid())
