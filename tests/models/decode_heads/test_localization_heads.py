"""Losses and predictions of the two heads."""

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


ALIGNED = dict(mode='bilinear', align_corners=True)


def segmentor(head: str, kind: str = 'ImageLabelEncoderDecoder', **options) -> nn.Module:
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type=kind,
            backbone=BACKBONE,
            decode_head=dict(type=head, in_channels=8, num_classes=4, **options),
            test_cfg=ConfigDict(mode='whole'),
        )
    )
    nn.init.normal_(model.decode_head.conv_seg.weight)
    return model.eval()


def sample(
    ori_shape: tuple, img_shape: tuple = (16, 20), img_label: list | None = None, **meta
) -> SegDataSample:
    found = SegDataSample(
        metainfo=dict(ori_shape=ori_shape, img_shape=img_shape, img_path='a.jpg', **meta)
    )
    if img_label is not None:
        found.set_data(dict(img_label=torch.tensor(img_label, dtype=torch.float32)))
    return found


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
    label = [1, 0, 1]
    out = model(x, [sample((33, 41), img_label=label)], mode='predict')[0]
    raw = F.interpolate(F.relu(model(x)), (33, 41), mode='bilinear', align_corners=True)
    expected = raw / (raw.amax((2, 3), keepdim=True) + 1e-5)
    expected = expected[0] * torch.tensor(label)[:, None, None]
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
    label = [1, 1, 1]
    samples = [sample((30, 40), img_label=label), sample((20, 10), img_label=label)]
    out = model(x, samples, mode='predict')
    assert [o.seg_logits.shape for o in out] == [(30, 40), (20, 10)]


@torch.no_grad()
def test_refinement_prediction_is_linear() -> None:
    model, x = segmentor('RefinementHead'), torch.randn(1, 3, 16, 20)
    label = [0, 1, 0]
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
    s = sample((1, 2), img_label=[1, 0, 1])
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


@torch.no_grad()
def test_stock_segmentor_gates_by_its_own_predictions() -> None:
    """MMSegmentation hands a head the meta information only, and labels are data."""
    model, x = segmentor('CAMHead', kind='EncoderDecoder'), torch.randn(1, 3, 16, 20)
    model.decode_head.conv_seg.bias.data = torch.tensor([5.0, -5.0, 5.0])
    out = model(x, [sample((16, 20), img_label=[0, 1, 0])], mode='predict')[0].seg_logits.data
    assert_close(out[1:].amax((1, 2)) > 0, model(x).mean((2, 3))[0] > 0)


@torch.no_grad()
def test_sliding_windows() -> None:
    """Restated: each window gives maps of its own size; they are averaged, then resized once."""
    model = segmentor('CAMHead')
    model.test_cfg = ConfigDict(mode='slide', crop_size=(16, 16), stride=(8, 12))
    x, present = torch.randn(1, 3, 24, 28), torch.tensor([1.0, 0.0, 1.0])
    total, count = torch.zeros(1, 3, 24, 28), torch.zeros(24, 28)
    for top in (0, 8):
        for left in (0, 12):
            window = x[:, :, top : top + 16, left : left + 16]
            raw = F.interpolate(F.relu(model(window)), (16, 16), **ALIGNED)
            maps = raw / (raw.amax((2, 3), keepdim=True) + 1e-5)
            total[:, :, top : top + 16, left : left + 16] += maps * present[:, None, None]
            count[top : top + 16, left : left + 16] += 1
    expected = F.interpolate(total / count, (33, 41), **ALIGNED)[0]
    for shape in ((24, 28), (16, 16)):  # also where the input's size is that of a window
        given = sample((33, 41), shape, img_label=[1, 0, 1])
        (out,) = model(x, [given], mode='predict')
        assert_close(out.seg_logits.data[1:], expected)


@torch.no_grad()
def test_output_shape_asks_for_another_size() -> None:
    model, x = segmentor('CAMHead'), torch.randn(2, 3, 16, 20)
    metas = [dict(ori_shape=(9, 9), img_shape=(16, 20), output_shape=(7, 5))] * 2
    raw = F.interpolate(F.relu(model(x)), (7, 5), **ALIGNED)
    found = model.encode_decode(x, [dict(meta, img_label=[1, 1, 1]) for meta in metas])
    assert_close(found[:, 1:], raw / (raw.amax((2, 3), keepdim=True) + 1e-5))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('head', ['CAMHead', 'RefinementHead'])
def test_losses_of_half_precision_logits(head: str, dtype: torch.dtype) -> None:
    """The logits are rounded, as under AMP; the loss is that of float64 to seven digits."""
    decode_head = segmentor(head).decode_head
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 9, 11, generator=generator).to(dtype)
    samples = [sample((33, 41), img_label=[1, 0, 1]) for _ in range(2)]
    for item in samples:
        levels = torch.randint(256, (3, 33, 41), generator=generator, dtype=torch.uint8)
        item.set_data(dict(gt_localization_map=PixelData(data=levels)))
    found = next(iter(decode_head.loss_by_feat(logits, samples).values()))
    if head == 'CAMHead':
        scores, labels = logits.double().mean((2, 3)), torch.tensor([[1.0, 0.0, 1.0]] * 2)
        exact = F.multilabel_soft_margin_loss(scores, labels)
    else:
        maps = torch.stack([item.gt_localization_map.data for item in samples]).double() / 255
        target = torch.where(maps == maps.amax(1, keepdim=True), maps, 0.0)
        exact = F.mse_loss(F.interpolate(logits.double(), (33, 41), **ALIGNED), target)
    assert found.dtype == torch.float32
    assert_close(found.double(), exact, rtol=1e-6, atol=0)
