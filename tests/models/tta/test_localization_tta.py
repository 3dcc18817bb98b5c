"""Maps of several scales and augmentations, against restatements."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close

from mmdrs.errors import InputError
from mmdrs.models.tta.localization_tta import set_maps

pytestmark = pytest.mark.usefixtures('mmseg_scope')
ALIGNED = dict(mode='bilinear', align_corners=True)
LABEL = torch.tensor([1.0, 0.0, 1.0])
MEAN, STD = torch.tensor([1.0, 2.0, 3.0]), 2.0


def segmentor(kind: str = 'ImageLabelEncoderDecoder', **preprocessing) -> nn.Module:
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type=kind,
            data_preprocessor=dict(
                type='SegDataPreProcessor', mean=MEAN.tolist(), std=[STD] * 3, **preprocessing
            ),
            backbone=dict(
                type='DilatedVGG',
                depths=(1, 1),
                channels=(4, 6),
                strides=(2,),
                extra_channels=(8,),
            ),
            decode_head=dict(type='CAMHead', in_channels=8, num_classes=4),
            test_cfg=ConfigDict(mode='whole'),
        )
    )
    nn.init.uniform_(model.decode_head.conv_seg.weight)  # maps that are not 0
    return model.eval()


def tta(module: nn.Module, **options) -> nn.Module:
    return MODELS.build(dict(type='LocalizationTTA', module=module, **options))


def sample(ori_shape: tuple[int, int], labelled: bool = True, **meta) -> SegDataSample:
    found = SegDataSample(
        metainfo=dict(ori_shape=ori_shape, img_shape=(20, 20), img_path='a.jpg', **meta)
    )
    if labelled:
        found.set_data(dict(img_label=LABEL))
    return found


def normal(image: Tensor) -> Tensor:
    return ((image - MEAN[:, None, None]) / STD)[None]


def scaled(image: Tensor, side: int) -> Tensor:
    return F.interpolate(normal(image), (side, side), mode='bilinear')


def maps_of(model: nn.Module, inputs: Tensor, size: tuple[int, int]) -> Tensor:
    """Gated maps (3, *size) of one normalised image, restated."""
    raw = F.interpolate(F.relu(model(inputs)), size, **ALIGNED)[0]
    return raw / (raw.amax((1, 2), keepdim=True) + 1e-5) * LABEL[:, None, None]


@pytest.fixture
def image() -> Tensor:
    return torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(3)) * 9


@torch.no_grad()
def test_scales_of_the_normalised_tensor(image: Tensor) -> None:
    """The maximum over the scales; a plain batch and lists over augmentations are the same."""
    model = tta(segmentor(), scales=(16, 24))
    (merged,) = model.test_step(dict(inputs=[[image]], data_samples=[[sample((30, 26))]]))
    maps = [maps_of(model.module, scaled(image, side), (30, 26)) for side in (16, 24)]
    assert_close(merged.seg_logits.data[1:], torch.stack(maps).amax(0))
    assert (merged.seg_logits.data[0] == torch.tensor(0.2)).all()
    assert_close(merged.pred_sem_seg.data[0], merged.seg_logits.data.argmax(0))
    (plain,) = model.test_step(dict(inputs=[image], data_samples=[sample((30, 26))]))
    assert torch.equal(plain.seg_logits.data, merged.seg_logits.data)
    (single,) = tta(model.module).test_step(dict(inputs=[image], data_samples=[sample((30, 26))]))
    assert_close(single.seg_logits.data[1:], maps_of(model.module, normal(image), (30, 26)))


@torch.no_grad()
def test_size_of_the_maps_is_an_argument(image: Tensor) -> None:
    """One size for images of any size; the predicted label has that of the image."""
    model = tta(segmentor(), scales=(16,), size=(12, 14))
    shapes = (30, 26), (10, 40)
    found = model.test_step(
        dict(inputs=[image, image], data_samples=[sample(shape) for shape in shapes])
    )
    expected = maps_of(model.module, scaled(image, 16), (12, 14))
    for item, shape in zip(found, shapes, strict=True):
        assert_close(item.seg_logits.data[1:], expected)
        maps = torch.cat(
            [torch.full((1, *shape), 0.2), F.interpolate(expected[None], shape, **ALIGNED)[0]]
        )
        assert_close(item.pred_sem_seg.data, maps.argmax(0, keepdim=True))
        assert set(item.pred_sem_seg.data.unique().tolist()) == {1, 3}


@torch.no_grad()
def test_images_of_several_sizes_in_one_batch(image: Tensor) -> None:
    model = tta(segmentor(), scales=(16,))
    found = model.test_step(
        dict(inputs=[image, image], data_samples=[sample((30, 26)), sample((10, 40))])
    )
    maps = maps_of(model.module, scaled(image, 16), (20, 20))[None]
    for item, shape in zip(found, ((30, 26), (10, 40)), strict=True):
        assert_close(item.seg_logits.data[1:], F.interpolate(maps, shape, **ALIGNED)[0])


@pytest.mark.parametrize(('direction', 'axis'), [('horizontal', 2), ('vertical', 1)])
@torch.no_grad()
def test_flips_are_undone(image: Tensor, direction: str, axis: int) -> None:
    model = tta(segmentor(), scales=(16, 24))
    flipped = image.flip(axis)
    turned = sample((30, 26), flip=True, flip_direction=direction)
    (merged,) = model.test_step(
        dict(inputs=[[image], [flipped]], data_samples=[[sample((30, 26))], [turned]])
    )
    maps = []
    for side in (16, 24):
        maps.append(maps_of(model.module, scaled(image, side), (30, 26)))
        maps.append(maps_of(model.module, scaled(flipped, side), (30, 26)).flip(axis))
    assert_close(merged.seg_logits.data[1:], torch.stack(maps).amax(0))
    assert not torch.equal(maps[0], maps[1])


@torch.no_grad()
def test_padding_is_cut_off(image: Tensor) -> None:
    """The preprocessor pads to 24 x 28 at the right and at the bottom."""
    model = tta(segmentor(test_cfg=dict(size=(24, 28)), pad_val=0), scales=(16,))
    (found,) = model.test_step(dict(inputs=[image], data_samples=[sample((30, 26))]))
    padded = F.pad(normal(image), (0, 8, 0, 4))
    maps = maps_of(model.module, F.interpolate(padded, (16, 16), mode='bilinear'), (24, 28))
    expected = F.interpolate(maps[None, :, :20, :20], (30, 26), **ALIGNED)[0]
    assert_close(found.seg_logits.data[1:], expected)


@torch.no_grad()
def test_sliding_windows_on_every_scale(image: Tensor) -> None:
    """Windows of 16 on inputs of 16 and 24: their average at the input's size, resized once."""
    model = tta(segmentor(), scales=(16, 24), size=(30, 26))
    module = model.module
    merged = F.interpolate(maps_of(module, scaled(image, 16), (16, 16))[None], (30, 26), **ALIGNED)
    inputs = scaled(image, 24)
    total, count = torch.zeros(1, 3, 24, 24), torch.zeros(24, 24)
    for top in (0, 8):
        for left in (0, 8):
            place = (..., slice(top, top + 16), slice(left, left + 16))
            total[place] += maps_of(module, inputs[place], (16, 16))
            count[place] += 1
    merged = merged.maximum(F.interpolate(total / count, (30, 26), **ALIGNED))
    module.test_cfg = ConfigDict(mode='slide', crop_size=(16, 16), stride=(8, 8))
    (found,) = model.test_step(dict(inputs=[image], data_samples=[sample((40, 50))]))
    assert_close(found.seg_logits.data[1:], merged[0])


@torch.no_grad()
def test_stock_segmentor_and_images_without_labels(image: Tensor) -> None:
    """The labels reach the head whichever segmentor is wrapped; without them it decides."""
    found = {}
    for kind in ('EncoderDecoder', 'ImageLabelEncoderDecoder'):
        for labelled in (True, False):
            model = tta(segmentor(kind), scales=(16,))
            model.module.decode_head.conv_seg.bias.data = torch.tensor([9.0, 9.0, -9.0])
            (item,) = model.test_step(
                dict(inputs=[image], data_samples=[sample((9, 9), labelled)])
            )
            found[kind, labelled] = (item.seg_logits.data[1:].amax((1, 2)) > 0).tolist()
    assert found['EncoderDecoder', True] == found['ImageLabelEncoderDecoder', True]
    assert not found['EncoderDecoder', True][1]
    for kind in ('EncoderDecoder', 'ImageLabelEncoderDecoder'):
        assert found[kind, False] == [True, True, False]


def test_augmentations_are_merged_by_the_maximum() -> None:
    model = tta(segmentor())
    maps = torch.rand(3, 4, 6, 7)
    samples = []
    for item in maps:
        view = SegDataSample(metainfo=dict(ori_shape=(6, 7)))
        view.set_data(dict(seg_logits=PixelData(data=item)))
        samples.append(view)
    (merged,) = model.merge_preds([samples])
    assert_close(merged.seg_logits.data, maps.amax(0))
    assert_close(merged.pred_sem_seg.data[0], maps.amax(0).argmax(0))


def test_label_of_maps_without_any_class() -> None:
    found = SegDataSample(metainfo=dict(ori_shape=(4, 4)))
    set_maps(found, torch.zeros(4, 2, 2))
    assert found.pred_sem_seg.data.tolist() == [[[0] * 4] * 4]


@torch.no_grad()
@pytest.mark.parametrize('flip', [False, True])
def test_sums_as_irn_merges_them_and_means(image: Tensor, flip: bool) -> None:
    """Rectified maps of all views, summed, over their maximum; the mean of normalised ones."""
    factors = (1.0, 0.5, 1.5)
    module = segmentor()
    total, mean, views = torch.zeros(3, 30, 26), torch.zeros(3, 30, 26), 3 * (1 + flip)
    for factor in factors:
        inputs = scaled(image, round(20 * factor))
        for axes in ((), (3,)) if flip else ((),):
            raw = F.relu(module(inputs.flip(axes)))
            total += F.interpolate(raw, (30, 26), **ALIGNED).flip(axes)[0]
            mean += maps_of(module, inputs.flip(axes), (30, 26))[None].flip(axes)[0] / views
    summed = total / (total.amax((1, 2), keepdim=True) + 1e-5) * LABEL[:, None, None]
    for merge, expected in (('sum', summed), ('mean', mean)):
        model = tta(module, scales=factors, flip=flip, merge=merge)
        (found,) = model.test_step(dict(inputs=[image], data_samples=[sample((30, 26))]))
        assert_close(found.seg_logits.data[1:], expected)
        assert_close(found.seg_logits.data[0], torch.full((30, 26), 0.2))


@torch.no_grad()
@pytest.mark.parametrize('merge', ['sum', 'mean'])
def test_sums_of_augmentations(image: Tensor, merge: str) -> None:
    """Views of ``TestTimeAug`` are merged as the loop's own are."""
    model = tta(segmentor(), merge=merge)
    other = image.flip(2)
    (found,) = model.test_step(
        dict(
            inputs=[[image], [other]],
            data_samples=[
                [sample((30, 26))],
                [sample((30, 26), flip=True, flip_direction='horizontal')],
            ],
        )
    )
    (expected,) = tta(model.module, flip=True, merge=merge).test_step(
        dict(inputs=[image], data_samples=[sample((30, 26))])
    )
    assert_close(found.seg_logits.data, expected.seg_logits.data)


def test_unknown_merge_and_scale() -> None:
    with pytest.raises(InputError, match=r"merge of maps must be one of .*, got 'median'"):
        tta(segmentor(), merge='median')
    with pytest.raises(InputError, match=r'scales of maps must be positive numbers'):
        tta(segmentor(), scales=(0, 256))
