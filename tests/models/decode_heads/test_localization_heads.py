"""Predictions of the two heads in a stock segmentor, and test-time merging."""

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

BACKBONE = dict(
    type='DilatedVGG', depths=(1, 1), channels=(4, 6), strides=(2,), extra_channels=(8,)
)


def segmentor(head: str, **options) -> nn.Module:
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=BACKBONE,
            decode_head=dict(type=head, in_channels=8, num_classes=4, **options),
            test_cfg=ConfigDict(mode='whole'),
        )
    )
    nn.init.normal_(model.decode_head.conv_seg.weight)
    return model.eval()


def sample(ori_shape: tuple, img_shape: tuple = (16, 20), **meta) -> SegDataSample:
    return SegDataSample(
        metainfo=dict(ori_shape=ori_shape, img_shape=img_shape, img_path='a.jpg', **meta)
    )


@torch.no_grad()
def test_tensor_mode_returns_raw_class_maps() -> None:
    model, x = segmentor('CAMHead'), torch.randn(2, 3, 16, 20)
    maps = model(x)
    assert maps.shape == (2, 3, 8, 10)
    assert_close(
        maps,
        F.conv2d(
            model.backbone(x)[0],
            model.decode_head.conv_seg.weight,
            model.decode_head.conv_seg.bias,
        ),
    )


@torch.no_grad()
def test_cam_prediction() -> None:
    """[threshold, relu -> resize to ori_shape -> / (max + 1e-5) -> * label], argmax of it."""
    model, x = segmentor('CAMHead', threshold=0.3), torch.randn(1, 3, 16, 20)
    label = np.array([1, 0, 1], np.float32)
    out = model(x, [sample((33, 41), img_label=label)], mode='predict')[0]
    raw = F.interpolate(F.relu(model(x)), (33, 41), mode='bilinear', align_corners=True)
    expected = raw / (raw.amax((2, 3), keepdim=True) + 1e-5)
    expected = expected[0] * torch.from_numpy(label)[:, None, None]
    assert_close(out.seg_logits.data[1:], expected)
    assert_close(out.seg_logits.data[0], torch.full((33, 41), 0.3))
    assert not (out.pred_sem_seg.data == 2).any()
    assert_close(out.pred_sem_seg.data[0], out.seg_logits.data.argmax(0))


@torch.no_grad()
def test_without_labels_own_predictions_gate() -> None:
    model, x = segmentor('CAMHead'), torch.randn(1, 3, 16, 20)
    model.decode_head.conv_seg.bias.data = torch.tensor([5.0, -5.0, 5.0])
    present = model(x).mean((2, 3))[0] > 0
    assert 0 < present.sum() < 3  # else the test says nothing
    out = model(x, [sample((16, 20))], mode='predict')[0].seg_logits.data[1:]
    assert_close(out.amax((1, 2)) > 0, present)
    bare = model(x, mode='predict')[0].seg_logits.data[1:]  # inference on a bare image
    assert_close(bare, out)


@torch.no_grad()
def test_batch_of_different_sizes_is_resized_by_the_segmentor() -> None:
    model, x = segmentor('CAMHead'), torch.randn(2, 3, 16, 20)
    label = np.ones(3, np.float32)
    samples = [sample((30, 40), img_label=label), sample((20, 10), img_label=label)]
    out = model(x, samples, mode='predict')
    assert [o.seg_logits.shape for o in out] == [(30, 40), (20, 10)]


@torch.no_grad()
def test_refinement_prediction_is_linear() -> None:
    model, x = segmentor('RefinementHead'), torch.randn(1, 3, 16, 20)
    label = np.array([0, 1, 0], np.float32)
    out = model(x, [sample((24, 28), img_label=label)], mode='predict')[0].seg_logits.data
    expected = F.interpolate(model(x), (24, 28), mode='bilinear', align_corners=True)[0]
    assert_close(out[2], expected[1])
    assert not out[1].any() and not out[3].any()


def test_refinement_loss_by_hand() -> None:
    """One pixel per class map: MSE to the per-pixel maximum over the classes, ties kept."""
    head = segmentor('RefinementHead').decode_head
    levels = torch.tensor([[[255, 51]], [[102, 51]], [[0, 0]]], dtype=torch.uint8)  # (3, 1, 2)
    s = SegDataSample()
    s.set_data(dict(gt_localization_map=PixelData(data=levels)))
    output = torch.tensor([[[[0.5, 0.2]], [[0.4, 0.0]], [[0.1, 0.0]]]])
    target = torch.tensor([[[[1.0, 0.2]], [[0.0, 0.2]], [[0.0, 0.0]]]])
    loss = head.loss_by_feat(output, [s])['loss_mse']
    assert_close(loss, ((output - target) ** 2).mean())
    with pytest.raises(ValueError, match='LoadLocalizationMap'):
        head.loss_by_feat(output, [SegDataSample(metainfo=dict(img_path='x.jpg'))])


def test_cam_loss_by_hand() -> None:
    head = segmentor('CAMHead').decode_head
    maps = torch.tensor([[[[1.0, 3.0]], [[-2.0, 0.0]], [[0.5, 0.5]]]])  # means 2, -1, 0.5
    s = sample((1, 2), img_label=np.array([1, 0, 1], np.float32))
    out = head.loss_by_feat(maps, [s])
    p = torch.sigmoid(torch.tensor([2.0, 1.0, 0.5]))  # of the right decision
    assert_close(out['loss_cls'], -p.log().mean())
    assert out['acc_cls'] == 100
    with pytest.raises(ValueError, match=r"'img_label' of b.jpg.*ImageLabelDataset"):
        head.loss_by_feat(maps, [SegDataSample(metainfo=dict(img_path='b.jpg'))])


def test_head_convolutions_with_drs() -> None:
    model = segmentor(
        'CAMHead', num_convs=2, channels=5, norm_cfg=dict(type='BN'), drs=dict(type='LearnableDRS')
    )
    kinds = [type(m).__name__ for m in model.decode_head.convs]
    assert kinds == ['Conv2d', 'BatchNorm2d', 'LearnableDRS'] * 2
    assert model.decode_head.conv_seg.weight.shape == (3, 5, 1, 1)


def test_tta_takes_the_maximum() -> None:
    model = MODELS.build(dict(type='LocalizationTTA', module=segmentor('CAMHead')))
    maps = torch.rand(3, 4, 6, 7)
    samples = []
    for item in maps:
        s = sample((6, 7))
        s.set_data(dict(seg_logits=PixelData(data=item)))
        samples.append(s)
    (merged,) = model.merge_preds([samples])
    assert_close(merged.seg_logits.data, maps.amax(0))
    assert_close(merged.pred_sem_seg.data[0], maps.amax(0).argmax(0))


def test_tta_scales_the_normalised_tensor() -> None:
    """Restated: maps at each scale of the preprocessed tensor, the maximum of them."""
    module = segmentor('CAMHead').eval()
    mean, std = torch.tensor([1.0, 2.0, 3.0]), 2.0
    module.data_preprocessor = MODELS.build(
        dict(type='SegDataPreProcessor', mean=mean.tolist(), std=[std] * 3)
    )
    model = MODELS.build(dict(type='LocalizationTTA', module=module, scales=(16, 24)))
    image = torch.rand(3, 20, 20) * 9
    meta = dict(img_label=np.array([1, 0, 1], np.float32))
    with torch.no_grad():
        (merged,) = model.test_step(
            dict(inputs=[[image]], data_samples=[[sample((20, 20), **meta)]])
        )
        normal = ((image - mean[:, None, None]) / std)[None]
        maps = []
        for side in (16, 24):
            scaled = nn.functional.interpolate(normal, (side, side), mode='bilinear')
            maps += module.predict(scaled, [sample((20, 20), **meta)])
    expected = torch.stack([m.seg_logits.data for m in maps]).amax(0)
    assert_close(merged.seg_logits.data, expected)
    assert merged.seg_logits.data.shape == (4, 20, 20) and merged.seg_logits.data[2].max() == 0
