"""Scores of a segmentation network after a dense CRF."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import ClassVar

import torch
from mmseg.registry import METRICS
from torch import Tensor

from mmdrs.errors import InputError
from mmdrs.evaluation.metrics.segmentation_metric import SegmentationMetric
from mmdrs.evaluation.records.protocol import describe_crf
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.image_file import read_image


@METRICS.register_module()
class CRFIoUMetric(SegmentationMetric):
    """MMSegmentation's ``IoUMetric`` on predictions refined by a dense CRF.

    Next to an ``IoUMetric`` it gives both scores in one run, its own as ``crf/mIoU``::

        test_evaluator = [
            dict(type='IoUMetric', iou_metrics=['mIoU']),
            dict(type='CRFIoUMetric', iou_metrics=['mIoU']),
        ]

    The CRF takes the softmax of ``seg_logits`` and the image file at ``img_path``. Test-time
    augmentation needs a ``ProbabilityTTA``: ``SegTTAModel`` keeps only the ``seg_logits`` of the
    last view.

    Args:
        crf: Constants of :class:`~mmdrs.pseudo_labels.crf.DenseCRF`; None is its defaults.

    The other arguments are those of :class:`SegmentationMetric`, without its views: ``seg_logits``
    are those of the prediction only. ``prefix`` is ``crf`` by default.
    """

    default_prefix: ClassVar[str] = 'crf'

    def __init__(
        self,
        crf: dict | None = None,
        ignore_index: int = IGNORE_LABEL,
        iou_metrics: Sequence[str] = ('mIoU',),
        nan_to_num: int | None = None,
        beta: int = 1,
        collect_device: str = 'cpu',
        output_dir: str | None = None,
        format_only: bool = False,
        keep_results: bool = True,
        prefix: str | None = None,
    ) -> None:
        super().__init__(
            ignore_index=ignore_index,
            iou_metrics=iou_metrics,
            nan_to_num=nan_to_num,
            beta=beta,
            collect_device=collect_device,
            output_dir=output_dir,
            format_only=format_only,
            keep_results=keep_results,
            prefix=prefix,
        )
        self.crf = DenseCRF.from_config({} if crf is None else crf)
        self.protocols = {
            name: dict(special, crf=describe_crf(asdict(self.crf)))
            for name, special in self.protocols.items()
        }

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Refine the predictions of one batch and count them as the parent does.

        Raises:
            InputError: If the scores do not fit the image file, or are not the prediction's.
        """
        # Other metrics get the same dicts, so they are not changed.
        refined = [
            {**sample, 'pred_sem_seg': dict(data=self._refined_label(sample))}
            for sample in data_samples
        ]
        super().process(data_batch, refined)

    def _refined_label(self, sample: dict) -> Tensor:
        """The label (1, H, W) of one prediction after the CRF."""
        scores = sample['seg_logits']['data']
        image = read_image(sample['img_path'], tuple(scores.shape[1:]))
        _check_scores(scores, sample)
        probabilities = scores.float().softmax(dim=0).cpu().numpy()
        refined = self.crf.refine(image, probabilities)
        return torch.from_numpy(refined.argmax(axis=0)[None])


def _check_scores(scores: Tensor, sample: dict) -> None:
    """Check that the scores (K, H, W) suit a softmax and are those of the prediction.

    Those of a single view under test-time augmentation would silently give a wrong score.
    """
    if len(scores) < 2:
        raise InputError(
            'CRFIoUMetric needs scores of two or more classes, but the network has one output '
            'channel (out_channels=1)'
        )
    predicted = sample['pred_sem_seg']['data'].reshape(1, *scores.shape[1:]).long()
    # By value, not by argmax: of equal scores either may have been predicted.
    if (scores.gather(0, predicted) != scores.amax(dim=0)).any():
        raise InputError(
            f'CRFIoUMetric: the seg_logits of {sample["img_path"]} are not those of its '
            'prediction; SegTTAModel keeps those of the last view: use tta_model=dict(type='
            "'ProbabilityTTA')"
        )
