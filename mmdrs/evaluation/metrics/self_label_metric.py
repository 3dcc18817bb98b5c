"""The labels that a segmentation network gives its own training images."""

from typing import ClassVar

import numpy as np
import torch
from mmseg.registry import METRICS
from torch import Tensor

from mmdrs.errors import InputError
from mmdrs.evaluation.metrics.samples import image_labels
from mmdrs.evaluation.metrics.segmentation_metric import SegmentationMetric
from mmdrs.evaluation.records.record import Task
from mmdrs.pseudo_labels.constants import IGNORE_LABEL


@METRICS.register_module()
class SelfLabelMetric(SegmentationMetric):
    """Writes the network's labels among the classes of each image, and scores them.

    The probabilities are those among background and the classes of the image (``img_label`` of
    the data samples): the network cannot choose a class that is not there. In the file, pixels
    are ignored (255) whose greatest probability is below ``threshold``; they are scored before.

    Args:
        output_dir: Folder of the labels ``<image id>.png``.
        threshold: Least probability of a label, 0..1; 0 ignores no pixel.
        format_only: Only write, where there is no ground truth.
        keep_results: Accepted because ``tools/test.py --out`` sets it.

    Raises:
        InputError: If ``threshold`` is not in 0..1.
    """

    task: ClassVar[Task] = 'pseudo'

    def __init__(
        self,
        output_dir: str | None = None,
        threshold: float = 0.7,
        format_only: bool = False,
        keep_results: bool = True,
    ) -> None:
        super().__init__(output_dir=output_dir, format_only=format_only)
        if not 0 <= threshold <= 1:
            raise InputError(f'self_training: threshold must be in 0..1, got {threshold!r}')
        self.threshold = threshold
        self.file_record = dict(kind='self label', threshold=threshold)
        self.protocols['mIoU'] = dict(
            threshold=f'probability {threshold:g}', ignored='scored before they are ignored'
        )

    def _scored(self, sample: dict) -> dict:
        label, probability = own_label(sample)
        own = dict(data=label[None], probability=probability)
        return {**sample, 'pred_sem_seg': own}

    def _written(self, sample: dict) -> np.ndarray:
        sure = sample['pred_sem_seg']['probability'].cpu().numpy() >= self.threshold
        return np.where(sure, super()._written(sample), IGNORE_LABEL)


def own_label(sample: dict) -> tuple[Tensor, Tensor]:
    """The label (H, W) among the classes of an image, and its probability (H, W).

    Args:
        sample: Data sample with ``seg_logits`` (1 + K, H, W) and ``img_label`` (K,).

    Raises:
        InputError: If the sample has no image labels.
    """
    found = image_labels(sample)
    if found is None:
        raise InputError(
            f'self-training needs the image labels of {sample["img_path"]}: test an '
            'ImageLabelDataset whose pipeline ends in PackDRSInputs'
        )
    scores = sample['seg_logits']['data'].float()
    present = torch.tensor([0, *(label + 1 for label in found)], device=scores.device)
    probability, place = scores[present].softmax(dim=0).max(dim=0)
    return present[place], probability
