"""VGG-16 classifier and refinement network against values of the released code."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn
from torch.testing import assert_close

from mmdrs.apis import load_config
from mmdrs.localization.cam import localization_maps, to_levels
from mmdrs.models.decode_heads.cam_head import image_scores
from tests import golden

BACKBONE = dict(type='DilatedVGG')
DRS_LAYERS = {'delta055': dict(type='DRS', delta=0.55), 'learnable': dict(type='LearnableDRS')}
RECIPE = Path(__file__).parents[2] / 'configs/drs/cam_vgg16_2xb5-15e_voc12-320x320.py'


def segmentor(backbone: dict, head: str) -> nn.Module:
    return MODELS.build(
        dict(
            type='EncoderDecoder',
            backbone=backbone,
            decode_head=dict(type=head, in_channels=512, num_classes=21),
            test_cfg=ConfigDict(mode='whole'),
        )
    )


def classifier(variant: str) -> nn.Module:
    model = segmentor(
        dict(type='DRSBackbone', backbone=BACKBONE, drs=DRS_LAYERS[variant]), 'CAMHead'
    )
    golden.fill(model, 'keys_drs_vgg16' if variant == 'learnable' else 'keys_refine_vgg16')
    return model.eval()


def samples(labels: np.ndarray) -> list[SegDataSample]:
    return [SegDataSample(metainfo=dict(img_label=row)) for row in labels]


@pytest.mark.parametrize('variant', ['delta055', 'learnable'])
def test_classifier(variant: str) -> None:
    data = golden.load(f'vgg16_classifier_{variant}')
    with torch.no_grad():
        class_maps = classifier(variant)(golden.image(2, 96, 128, 'cls'))
    assert class_maps.shape == (2, 20, 12, 16)
    assert_close(image_scores(class_maps).numpy(), data['logit'], rtol=1e-4, atol=1e-4)
    cams = (
        localization_maps(class_maps, (72, 80)) * torch.from_numpy(data['label'])[..., None, None]
    )
    assert_close(cams[:, data['cam_channels']].numpy(), data['cam'], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('variant', ['delta055', 'learnable'])
def test_multi_scale_maps(variant: str) -> None:
    """The released maps: 256, 320, 384, element-wise maximum, uint8."""
    data = golden.load(f'vgg16_classifier_{variant}')
    model = MODELS.build(dict(type='LocalizationTTA', module=classifier(variant)))
    picture = golden.image(1, 320, 320, 'loc')
    metainfo = dict(
        img_label=data['loc_label'][0], ori_shape=(320, 320), img_path='', img_shape=(320, 320)
    )
    predictions = []
    with torch.no_grad():
        for side in (256, 320, 384):
            inputs = nn.functional.interpolate(picture, (side, side), mode='bilinear')
            sample = SegDataSample(metainfo=metainfo)
            predictions += model.module(inputs, [sample], mode='predict')
    merged = model.merge_preds([predictions])[0].seg_logits.data.numpy()
    levels = to_levels(merged[1:][data['loc_channels']])
    difference = np.abs(levels.astype(int) - data['loc_uint8'])
    assert difference.max() <= 1
    # Truncation turns a rounding error of the last bit into a level: 0.1 % of the pixels at most.
    assert (difference > 0).mean() <= 1e-3


@pytest.mark.parametrize('variant', ['delta055', 'learnable'])
def test_three_sgd_steps(variant: str) -> None:
    """Loss before each step and logits after: groups, nesterov and decay are right."""
    data = golden.load(f'vgg16_classifier_{variant}')
    model = classifier(variant).train()
    wrapper = build_optim_wrapper(model, load_config(str(RECIPE)).optim_wrapper)
    picture = golden.image(2, 96, 128, 'cls')
    losses = []
    for _ in range(3):
        loss = model(picture, samples(data['label']), mode='loss')['decode.loss_cls']
        losses.append(loss.item())
        wrapper.update_params(loss)
    np.testing.assert_allclose(losses, data['sgd_losses'], rtol=1e-4)
    with torch.no_grad():
        logits = image_scores(model.eval()(picture))
    assert_close(logits.numpy(), data['logit_after_3_sgd'], rtol=1e-4, atol=1e-4)


def test_refinement() -> None:
    data = golden.load('vgg16_refine')
    model = segmentor(BACKBONE, 'RefinementHead')
    golden.fill(model, 'keys_refine_vgg16')
    maps = golden.rng('att').random((2, 20, 96, 96)).astype(np.float32)
    maps[:, [c for c in range(20) if c % 7]] = 0
    levels = torch.from_numpy(maps * 255)  # float: the golden maps are not quantised
    batch = []
    for item in levels:
        sample = SegDataSample()
        sample.set_data(dict(gt_localization_map=PixelData(data=item)))
        batch.append(sample)
    picture = golden.image(2, 96, 96, 'ref')
    with torch.no_grad():
        output = model.decode_head.maps(model(picture), (96, 96))
    assert_close(output[:, ::5, ::4, ::4].numpy(), data['out_sub'], rtol=1e-4, atol=1e-4)

    wrapper = build_optim_wrapper(model, ConfigDict(optimizer=dict(type='Adam', lr=1e-4)))
    losses = []
    for step in range(3):
        loss = model(picture, batch, mode='loss')['decode.loss_mse']
        losses.append(loss.item())
        if step == 0:
            weight = model.backbone.extra[0].weight
            gradient = torch.autograd.grad(loss, weight, retain_graph=True)[0][:4, :4].numpy()
            np.testing.assert_allclose(gradient, data['grad_extra_conv1'], rtol=1e-3, atol=1e-7)
        wrapper.update_params(loss)
    np.testing.assert_allclose(losses, data['losses'], rtol=1e-4)
