"""The segmentor that trains its head alone."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

pytestmark = pytest.mark.usefixtures('mmseg_scope')


def segmentor(kind: str = 'FrozenBackboneEncoderDecoder') -> EncoderDecoder:
    torch.manual_seed(0)
    backbone = dict(type='DilatedVGG', depths=(1,), channels=(4,), strides=(), extra_channels=(6,))
    return MODELS.build(
        dict(
            type=kind,
            backbone=dict(backbone, norm_cfg=dict(type='BN')),
            decode_head=dict(
                type='ForegroundHead', in_channels=[6], in_index=[0], channels=5, num_classes=4
            ),
            test_cfg=ConfigDict(mode='whole'),
        )
    ).train()


def learn(model: EncoderDecoder) -> None:
    sample = SegDataSample()
    sample.gt_localization_map = PixelData(data=torch.randint(0, 256, (3, 8, 12)))
    sum(model.loss(torch.randn(1, 3, 8, 12), [sample]).values()).backward()


def test_a_training_leaves_the_backbone_alone() -> None:
    """Weights and statistics of its batch norms; in the parent both would change."""
    model, stock = segmentor(), segmentor('EncoderDecoder')
    for network, frozen in ((model, True), (stock, False)):
        before = {k: v.clone() for k, v in network.backbone.state_dict().items()}
        learn(network)
        after = network.backbone.state_dict()
        assert all(torch.equal(before[k], after[k]) for k in before) is frozen
        assert all(p.grad is None for p in network.backbone.parameters()) is frozen
        assert any(p.requires_grad for p in network.backbone.parameters()) is not frozen
    assert model.decode_head.training and not model.backbone.training


def test_prediction_is_the_probability_at_the_size_of_the_image() -> None:
    model, image = segmentor().eval(), torch.randn(1, 3, 8, 12)
    meta = dict(ori_shape=(16, 24), img_shape=(8, 12), pad_shape=(8, 12))
    (found,) = model.predict(image, [SegDataSample(metainfo=meta)])
    with torch.no_grad():
        logits = model.decode_head(model.backbone(image))
    expected = nn.functional.interpolate(logits, (16, 24), mode='bilinear').sigmoid()
    torch.testing.assert_close(found.seg_logits.data[None], expected)
    assert torch.equal(found.pred_sem_seg.data.bool(), expected[0] > 0.5)
