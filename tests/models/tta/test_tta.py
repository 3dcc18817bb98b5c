"""The models of test-time augmentation for segmentation."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.testing import assert_close

pytestmark = pytest.mark.usefixtures('mmseg_scope')


def samples(count: int) -> tuple[list[SegDataSample], torch.Tensor]:
    scores = torch.randn(count, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    found = []
    for score in scores:
        sample = SegDataSample(metainfo=dict(img_path='a.jpg'))
        sample.set_data(
            dict(
                seg_logits=PixelData(data=score),
                pred_sem_seg=PixelData(data=score.argmax(0, True)),
            )
        )
        found.append(sample)
    return found, scores


def build(kind: str) -> torch.nn.Module:
    module = dict(
        type='EncoderDecoder',
        backbone=dict(type='DilatedVGG', depths=(1,), channels=(2,), strides=()),
        decode_head=dict(type='DeepLabV2Head', in_channels=512, num_classes=3),
        test_cfg=ConfigDict(mode='whole'),
    )
    return MODELS.build(dict(type=kind, module=module))


def test_merged_probabilities_are_kept_as_scores() -> None:
    views, scores = samples(2)
    mean = (scores[0].softmax(0) + scores[1].softmax(0)) / 2
    (merged,) = build('ProbabilityTTA').merge_preds([views])
    assert_close(merged.seg_logits.data.softmax(0), mean)
    assert_close(merged.pred_sem_seg.data[0], mean.argmax(0))
    # The same prediction as MMSegmentation's own model of test-time augmentation.
    again, _ = samples(2)
    (stock,) = build('SegTTAModel').merge_preds([again])
    assert_close(merged.pred_sem_seg.data.float(), stock.pred_sem_seg.data.float())


def test_views_stay_apart() -> None:
    views, scores = samples(3)
    (kept,) = build('ViewsTTA').merge_preds([views])
    assert_close(kept.seg_logits.data, scores[0])
    described = kept.to_dict()  # what a metric is given
    assert_close(described['view_2']['seg_logits']['data'], scores[1])
    assert_close(described['view_3']['seg_logits']['data'], scores[2])
