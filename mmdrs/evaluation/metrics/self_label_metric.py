"""The labels that a segmentation network gives its own training images."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.registry import METRICS

from mmdrs.errors import InputError
from mmdrs.evaluation.metrics.samples import image_labels
from mmdrs.evaluation.metrics.segmentation_metric import SegmentationMetric
from mmdrs.evaluation.records.record import Task
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.output_paths import image_id, output_path
from mmdrs.pseudo_labels.palette import voc_palette


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
        super().__init__(format_only=format_only)
        if not 0 <= threshold <= 1:
            raise InputError(f'self_training: threshold must be in 0..1, got {threshold!r}')
        self.label_dir = output_dir
        self.threshold = threshold
        self.protocols = dict(
            mIoU=dict(
                threshold=f'probability {threshold:g}', ignored='scored before they are ignored'
            )
        )

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Count and write one batch."""
        labelled = []
        for sample in data_samples:
            label, probability = own_label(sample)
            labelled.append({**sample, 'pred_sem_seg': PixelData(data=label[None]).to_dict()})
            if self.label_dir is not None:
                written = np.where(probability < self.threshold, IGNORE_LABEL, label)
                meta = self.dataset_meta
                palette = meta.get('palette') or voc_palette(len(meta['classes']))
                path = output_path(self.label_dir, image_id(sample), '.png')
                record = dict(kind='self label', threshold=self.threshold)
                write_label(path, written.astype(np.uint8), palette, record)
        super().process(data_batch, labelled)


def own_label(sample: dict) -> tuple[torch.Tensor, np.ndarray]:
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
    return present[place], probability.cpu().numpy()
