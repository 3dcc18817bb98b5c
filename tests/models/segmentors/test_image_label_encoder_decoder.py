"""The segmentor that shows its head the image labels."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

pytestmark = pytest.mark.usefixtures('mmseg_scope')


def segmentor(kind: str) -> nn.Module:
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type=kind,
            backbone=dict(
                type='DilatedVGG', depths=(1,), channels=(4,), strides=(), extra_channels=(8,)
            ),
            decode_head=dict(type='CAMHead', in_channels=8, num_classes=4),
            test_cfg=ConfigDict(mode='whole'),
        )
    )
    nn.init.normal_(model.decode_head.conv_seg.weight)
    return model.eval()


def shown(model: nn.Module, images: torch.Tensor, labels: list | None) -> list[list[int]]:
    """The classes whose maps a prediction shows, by image."""
    samples = None
    if labels is not None:
        meta = dict(ori_shape=(8, 8), img_shape=(8, 8))
        samples = [SegDataSample(metainfo=meta) for _ in labels]
        for sample, label in zip(samples, labels, strict=True):
            if label is not None:
                sample.set_data(dict(img_label=torch.tensor(label, dtype=torch.float32)))
    found = model(images, samples, mode='predict')
    return [x.seg_logits.data[1:].amax((1, 2)).nonzero().flatten().tolist() for x in found]


@torch.no_grad()
def test_labels_reach_the_head() -> None:
    """Those of each image; where one has none, and without samples, its own predictions."""
    model, stock = segmentor('ImageLabelEncoderDecoder'), segmentor('EncoderDecoder')
    images = torch.randn(3, 3, 8, 8)
    own = [m.mean((1, 2)).gt(0).nonzero().flatten().tolist() for m in model(images)]
    stock.load_state_dict(model.state_dict())
    assert shown(stock, images, [[0, 0, 0]] * 3) == own
    somewhere = model(images).amax((2, 3)) > 0
    labels = torch.tensor([[1, 0, 1], [0, 1, 1]])
    expected = [row.nonzero().flatten().tolist() for row in labels * somewhere[:2]]
    assert expected != own[:2]
    assert shown(model, images, [*labels.tolist(), None]) == [*expected, own[2]]
    assert shown(model, images, [[0, 0, 0]] * 3) == [[]] * 3
    assert shown(model, images, None) == own
