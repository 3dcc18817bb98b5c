"""DeepLabV2 with MSC and the plain DeepLabV3+ head, beside the golden values of tests/released."""

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

pytestmark = pytest.mark.usefixtures('mmseg_scope')
BACKBONE = dict(
    type='DilatedVGG', depths=(1, 1), channels=(4, 6), strides=(2,), extra_channels=(8,)
)


def segmentor(**changes) -> nn.Module:
    torch.manual_seed(0)
    head = dict(type='DeepLabV2Head', in_channels=8, num_classes=4, dilations=(1, 2))
    config = dict(
        type='MultiScaleEncoderDecoder',
        backbone=BACKBONE,
        decode_head=dict(head, **changes.pop('head', {})),
        test_cfg=ConfigDict(mode='whole'),
        **changes,
    )
    model = MODELS.build(config)
    model.init_weights()
    return model


def sample(label: np.ndarray, **meta) -> SegDataSample:
    height, width = label.shape
    found = SegDataSample(
        metainfo=dict(img_shape=(height, width), ori_shape=(height, width), **meta)
    )
    found.set_data(dict(gt_sem_seg=PixelData(data=torch.from_numpy(label)[None].long())))
    return found


def labels(seed: int = 0) -> np.ndarray:
    label = np.random.default_rng(seed).integers(0, 4, (12, 18)).astype(np.uint8)
    label[:2] = 255
    return label


def test_head_sums_dilated_convolutions() -> None:
    head = segmentor().decode_head
    feature = torch.rand(2, 8, 6, 9)
    expected = 0
    for conv, dilation in zip(head.convs, (1, 2), strict=True):
        expected = expected + F.conv2d(
            feature, conv.weight, conv.bias, padding=dilation, dilation=dilation
        )
    assert_close(head((feature,)), expected)
    assert 'conv_seg.weight' not in head.state_dict()
    assert head.convs[0].weight.std().item() == pytest.approx(0.01, rel=0.2)


def test_loss_on_every_scale_and_the_maximum() -> None:
    """Restated: cross entropy at the logits' size, labels as Pillow's nearest resizes them."""
    model = segmentor().train()
    images, label = torch.rand(1, 3, 12, 18), labels()
    losses = model.loss(images, [sample(label)])
    names = ['scale_1', 'scale_0.5', 'scale_0.75', 'max']
    assert {key for key in losses if 'loss' in key} == {f'{name}.loss_ce' for name in names}

    def network(x):
        return model.decode_head(model.backbone(x))

    outputs = [network(images)]
    outputs += [
        network(F.interpolate(images, scale_factor=s, mode='bilinear')) for s in (0.5, 0.75)
    ]
    size = outputs[0].shape[2:]
    resized = [F.interpolate(o, size, mode='bilinear') for o in outputs]
    outputs.append(torch.stack(resized).amax(0))
    for name, output in zip(names, outputs, strict=True):
        height, width = output.shape[2:]
        small = np.array(Image.fromarray(label).resize((width, height), Image.NEAREST))
        expected = F.cross_entropy(output, torch.from_numpy(small)[None].long(), ignore_index=255)
        assert_close(losses[f'{name}.loss_ce'], expected)
    with torch.no_grad():
        assert_close(model.eval()(images), outputs[-1])
        (predicted,) = model.predict(images, [sample(label)])
    full = F.interpolate(outputs[-1], (12, 18), mode='bilinear')
    assert_close(predicted.seg_logits.data, full[0])


@pytest.mark.parametrize('masking', ['exclude', 'released'])
def test_self_training_term(masking: str) -> None:
    head = segmentor(head=dict(self_training=masking)).decode_head
    logits = torch.randn(1, 4, 6, 9, generator=torch.Generator().manual_seed(1)) - 1
    present = torch.tensor([1.0, 0.0, 1.0, 0.0])
    labelled = sample(labels())
    labelled.set_data(dict(img_label=torch.tensor([0.0, 1.0, 0.0])))
    losses = head.loss_by_feat(logits, [labelled])
    if masking == 'released':
        target = (logits * present[:, None, None]).argmax(1)
        assert set(target.unique().tolist()) - {0, 2}  # the case that makes it wrong
    else:
        target = torch.where(logits[:, 0] >= logits[:, 2], 0, 2)
    assert_close(losses['loss_self_training'], F.cross_entropy(logits, target))
    plain = segmentor().decode_head.loss_by_feat(logits, [labelled])
    assert_close(losses['loss_ce'], plain['loss_ce'])
    assert 'loss_self_training' not in plain


def test_wrong_use() -> None:
    head = segmentor(head=dict(self_training='exclude')).decode_head
    with pytest.raises(ValueError, match=r"'img_label' of a.jpg: set image_labels=True"):
        head.loss_by_feat(torch.zeros(1, 4, 6, 9), [sample(labels(), img_path='a.jpg')])
    with pytest.raises(ValueError, match="self_training must be None or one of.*'yes'"):
        segmentor(head=dict(self_training='yes'))
    for scales in ((), (0.5, 0)):
        with pytest.raises(ValueError, match='one or more factors above 0'):
            segmentor(scales=scales)


@pytest.mark.parametrize('height', [33, 34, 35, 36])
def test_caffe_resnet_pools_with_ceil(height: int) -> None:
    """The stem halves rounding up (convolution), then halves rounding up again (pooling)."""
    config = dict(depth=50, style='caffe', out_indices=(0,), norm_cfg=dict(type='BN'))
    model = MODELS.build(dict(type='CaffeResNet', **config))
    model.eval()  # MMSegmentation's ResNet returns None here
    x = torch.rand(1, 3, height, 40)
    halved = -(-height // 2)
    out_rows = model(x)[0].shape[2]
    assert out_rows == -(-(halved - 1) // 2) + 1
    plain = MODELS.build(dict(type='ResNet', **config))
    plain.eval()
    plain.load_state_dict(model.state_dict())
    assert plain(x)[0].shape[2] == (halved - 1) // 2 + 1


def test_plain_deeplabv3plus_head() -> None:
    """The forward pass restated: plain convolutions, 1 x 1 bottleneck, low-level features."""
    torch.manual_seed(0)
    head = MODELS.build(
        dict(
            type='DeepLabV3PlusHead',
            in_channels=6,
            in_index=1,
            channels=5,
            num_classes=3,
            c1_in_channels=4,
            c1_channels=2,
            dilations=(1, 2, 3),
        )
    ).eval()
    low, deep = torch.rand(2, 4, 12, 10), torch.rand(2, 6, 6, 5)

    def block(module, x, padding=0, dilation=1):
        x = F.conv2d(x, module.conv.weight, padding=padding, dilation=dilation)
        return module.bn(x).relu()

    branches = [block(head.image_pool[1], deep.mean((2, 3), keepdim=True)).expand(2, 5, 6, 5)]
    branches.append(block(head.aspp_modules[0], deep))
    branches += [block(head.aspp_modules[i], deep, d, d) for i, d in ((1, 2), (2, 3))]
    x = block(head.bottleneck[0], torch.cat(branches, 1))
    x = F.interpolate(x, (12, 10), mode='bilinear')
    x = block(head.sep_bottleneck, torch.cat([x, block(head.c1_bottleneck, low)], 1), padding=1)
    expected = F.conv2d(x, head.conv_seg.weight, head.conv_seg.bias)
    with torch.no_grad():
        assert_close(head((low, deep)), expected)
    # In training the bottleneck drops values, as released; the classifier's input is not dropped.
    assert head.bottleneck[1].p == 0.1 and head.dropout is None
