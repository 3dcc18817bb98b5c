"""Labels that a segmentation network gives its own training images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.evaluation.metrics import SelfLabelMetric

# Probabilities of background, a, b, c for five pixels, (4, 1, 5).
PROBABILITIES = np.array(
    [
        [[0.8, 0.1, 0.1, 0.35, 0.25]],
        [[0.1, 0.2, 0.1, 0.45, 0.25]],
        [[0.05, 0.1, 0.1, 0.1, 0.25]],
        [[0.05, 0.6, 0.7, 0.1, 0.25]],
    ],
    np.float32,
)


def sample(labels: list[int], truth: list[int]) -> dict:
    label = torch.zeros(3)
    label[labels] = 1
    return dict(
        img_path='somewhere/one.jpg',
        img_id='one',
        ori_shape=(1, 5),
        img_label=label,
        seg_logits=dict(data=torch.from_numpy(PROBABILITIES).log()),
        pred_sem_seg=dict(data=torch.from_numpy(PROBABILITIES).argmax(0, keepdim=True)),
        gt_sem_seg=dict(data=torch.tensor([[truth]])),
    )


def metric(tmp_path: Path, threshold: float) -> SelfLabelMetric:
    made = SelfLabelMetric(str(tmp_path / 'labels'), threshold)
    made.dataset_meta = dict(
        classes=('background', 'a', 'b', 'c'), palette=[[i] * 3 for i in range(4)]
    )
    return made


def test_label_among_the_classes_of_the_image(tmp_path: Path) -> None:
    """By hand, with the classes a and b.

    Background : a : b are 8 : 1 : .5, 1 : 2 : 1, 1 : 1 : 1, 3.5 : 4.5 : 1, 1 : 1 : 1, so the
    greatest probabilities are .84, .5, .33 (the first of equal ones), .5 and .33.
    """
    made = metric(tmp_path, 0.5)
    truth = [0, 1, 0, 2, 255]
    made.process(None, [sample([0, 1], truth)])
    with Image.open(tmp_path / 'labels' / 'one.png') as picture:
        assert picture.mode == 'P'
        assert np.asarray(picture).tolist() == [[0, 1, 255, 1, 255]]
    # Scored before pixels are ignored: 0 1 0 1 against 0 1 0 2. IoU 1, 1/2, 0; c does not occur.
    scores = made.evaluate(1)
    assert scores['mIoU'] == pytest.approx(50, abs=0.01)
    assert made.class_scores['mIoU'][:3] == [100, 50, 0] and np.isnan(made.class_scores['mIoU'][3])
    assert made.task == 'pseudo' and 'probability 0.5' in made.protocols['mIoU']['threshold']


def test_absent_class_is_never_chosen(tmp_path: Path) -> None:
    made = metric(tmp_path, 0)
    made.process(None, [sample([2], [0] * 5)])
    with Image.open(tmp_path / 'labels' / 'one.png') as picture:
        assert np.asarray(picture).tolist() == [[0, 3, 3, 0, 0]]


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='threshold must be in 0..1, got 1.5'):
        SelfLabelMetric(threshold=1.5)
    unlabelled = dict(sample([0], [0] * 5), img_label=None)
    with pytest.raises(InputError, match=r'image labels of somewhere/one\.jpg'):
        metric(tmp_path, 0).process(None, [unlabelled])
