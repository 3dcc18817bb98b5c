"""SegmentationMetric: the parent's figures, the IoU by class, palette PNGs, views."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.evaluation.metrics import IoUMetric
from PIL import Image

from mmdrs.evaluation import SegmentationMetric
from mmdrs.pseudo_labels.palette import voc_palette

META = dict(classes=('background', 'disc', 'bar'))


def sample(predicted: list[list[int]], actual: list[list[int]], **more) -> dict:
    return dict(
        pred_sem_seg=dict(data=torch.tensor([predicted])),
        gt_sem_seg=dict(data=torch.tensor([actual])),
        img_path='images/a.jpg',
        **more,
    )


# Background: 1 of 2 and 1 of 1 pixels; disc: 1 right, 1 too many; bar: none.
SAMPLE = sample([[0, 1], [1, 0]], [[0, 0], [1, 255]])


def evaluate(metric: IoUMetric, *samples: dict) -> dict:
    metric.dataset_meta = META
    metric.process(None, samples)
    return metric.evaluate(size=len(samples))


def test_figures_are_those_of_the_parent() -> None:
    metric = SegmentationMetric(iou_metrics=['mIoU'])
    assert evaluate(metric, SAMPLE) == evaluate(IoUMetric(iou_metrics=['mIoU']), SAMPLE)
    background, disc, bar = metric.class_scores['mIoU']
    assert (background, disc) == (50, 50) and np.isnan(bar)


def test_predictions_have_the_palette(tmp_path: Path) -> None:
    metric = SegmentationMetric(output_dir=str(tmp_path))
    evaluate(metric, SAMPLE)
    with Image.open(tmp_path / 'a.png') as picture:
        assert picture.mode == 'P' and np.array(picture).tolist() == [[0, 1], [1, 0]]
        assert picture.getpalette()[3:6] == list(voc_palette(3)[1])
    assert metric.output_dir == str(tmp_path)


def test_reduced_zero_label_is_undone(tmp_path: Path) -> None:
    metric = SegmentationMetric(output_dir=str(tmp_path))
    evaluate(metric, dict(SAMPLE, reduce_zero_label=True))
    with Image.open(tmp_path / 'a.png') as picture:
        assert np.array(picture).tolist() == [[1, 2], [2, 1]]


def test_another_view() -> None:
    right = dict(SAMPLE, view_2=sample([[0, 0], [1, 1]], [[0, 0], [1, 1]]))
    metric = SegmentationMetric(view=2, crop='centre crop', prefix='centre')
    assert evaluate(metric, right)['centre/mIoU'] == 100
    assert metric.protocols == dict(mIoU=dict(crop='centre crop'))
    with pytest.raises(ValueError, match=r"view=2.*tta_model=dict\(type='ViewsTTA'\)"):
        evaluate(SegmentationMetric(view=2), SAMPLE)


def test_predictions_of_background_alone_are_told(capsys: pytest.CaptureFixture) -> None:
    """Of all images; one pixel of a class is enough to be silent."""
    bare = sample([[0, 0], [0, 0]], [[0, 1], [1, 255]])
    evaluate(SegmentationMetric(), bare, bare)
    assert 'all pixels of all predictions are background' in capsys.readouterr().out
    evaluate(SegmentationMetric(), bare, SAMPLE)
    assert 'WARNING' not in capsys.readouterr().out
    metric = SegmentationMetric()
    metric.dataset_meta = dict(classes=('wall', 'floor', 'sky'))  # class 0 is no background
    metric.process(None, [bare])
    metric.evaluate(size=1)
    assert 'WARNING' not in capsys.readouterr().out
