"""``IoUMetric`` that keeps its scores by class, writes palette PNGs, and may refine by a CRF."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar, cast

import numpy as np
import torch
from mmseg.evaluation.metrics import IoUMetric
from mmseg.registry import METRICS
from torch import Tensor

from mmdrs.errors import InputError
from mmdrs.evaluation.metrics.background import warn_of_background
from mmdrs.evaluation.records.protocol import describe_crf
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.output_paths import image_id, output_path
from mmdrs.pseudo_labels.palette import voc_palette


@METRICS.register_module()
class SegmentationMetric(IoUMetric):
    """MMSegmentation's ``IoUMetric``, same scores, that also gives the IoU of every class.

    It writes predictions as palette PNGs, which evaluation servers accept and image viewers show.
    ``tools/test.py`` puts it in the place of every ``IoUMetric``.

    Args:
        view: Which view of ``ViewsTTA`` is scored; 1 is the prediction itself.
        crop: What that view shows of each image, for the record; None is what the config says.
        crf: Constants of :class:`~mmdrs.pseudo_labels.crf.DenseCRF`, ``dict()`` for its defaults:
            predictions are refined before they are counted and written. None is no CRF.
        output_dir: Folder of the predictions ``<image id>.png``; None writes none.
        format_only: Only write, where there is no ground truth.
        keep_results: Accepted because ``tools/test.py --out`` sets it.

    The other arguments are those of ``IoUMetric``.

    Raises:
        InputError: If a view is to be refined: ``seg_logits`` are those of the prediction only.

    Attributes:
        protocols: What is special in the protocol of each score, for the records.
        file_record: What the files say of themselves.
        class_scores: After :meth:`compute_metrics`, for ``'mIoU'`` the IoU in percent of each
            class; NaN for a class that does not occur.
    """

    #: The CRF without the argument ``crf``.
    default_crf: ClassVar[dict | None] = None

    def __init__(
        self,
        view: int = 1,
        crop: str | None = None,
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
            iou_metrics=list(iou_metrics),
            nan_to_num=nan_to_num,
            beta=beta,
            collect_device=collect_device,
            output_dir=output_dir,
            format_only=format_only,
            prefix=prefix,
        )
        self.view = view
        self.crf = DenseCRF.from_config(self.default_crf if crf is None else crf)
        if self.crf and view > 1:
            raise InputError(
                f'{type(self).__name__}: a CRF refines no view; leave out view={view}'
            )
        special = dict(crop=crop) if crop else {}
        if self.crf:
            special['crf'] = describe_crf(asdict(self.crf))
        self.protocols: dict[str, dict[str, str]] = dict(mIoU=special)
        self.class_scores: dict[str, list[float]] = {}
        self.file_record: dict[str, Any] = dict(kind='prediction')

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Count one batch as the parent does, and write its predictions.

        Raises:
            InputError: With a CRF, if the scores do not fit the image file, or are not the
                prediction's.
        """
        data_samples = [self._scored(sample) for sample in data_samples]
        folder, self.output_dir = self.output_dir, None  # the parent would write grey PNGs
        super().process(data_batch or {}, data_samples)
        self.output_dir = folder
        if folder is None:
            return
        meta: dict[str, Any] = self.dataset_meta or {}
        palette = meta.get('palette') or voc_palette(len(meta['classes']))
        for sample in data_samples:
            path = output_path(folder, image_id(sample), '.png')
            write_label(path, self._written(sample), palette, self.file_record)

    def _scored(self, sample: dict) -> dict:
        """The sample whose ``pred_sem_seg`` is scored and written.

        Other metrics get the same dict, so that it is not changed.
        """
        if self.view > 1:
            sample = self._view(sample)
        if self.crf:
            return {**sample, 'pred_sem_seg': dict(data=_refined_label(sample, self.crf))}
        return sample

    def _written(self, sample: dict) -> np.ndarray:
        """The label (H, W) that is written for a sample of :meth:`_scored`."""
        label = sample['pred_sem_seg']['data'].squeeze(0).cpu().numpy()
        # Files count the class that the data set leaves out.
        return label + 1 if sample.get('reduce_zero_label', False) else label

    def _view(self, sample: dict) -> dict:
        name = f'view_{self.view}'
        if name not in sample:
            raise InputError(
                f'SegmentationMetric(view={self.view}): the model gives no such view; test with '
                "--tta, tta_model=dict(type='ViewsTTA') and as many views in TestTimeAug"
            )
        return sample[name]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """The scores of the parent; the IoU by class is kept."""
        self.class_scores = {}
        if self.format_only:
            return {}
        if 'mIoU' in self.metrics:
            counts = [cast(Tensor, sum(column)) for column in zip(*results, strict=True)]
            intersection, union, predicted = counts[:3]
            iou = (100 * intersection / union).tolist()
            self.class_scores['mIoU'] = [round(value, 2) for value in iou]
            self._warn_of_background(predicted)
        return super().compute_metrics(results)

    def _warn_of_background(self, predicted: Tensor) -> None:
        """Warn if no pixel (``predicted``: pixels by class) is of a class but background."""
        first = (self.dataset_meta or {}).get('classes', ('',))[0]
        if first == 'background' and predicted.sum() > 0 and not predicted[1:].any():
            warn_of_background('predictions')


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

    The arguments are those of :class:`SegmentationMetric`; ``prefix`` is ``crf`` by default, and
    without ``crf`` the constants are the defaults.
    """

    default_prefix = 'crf'
    default_crf: ClassVar[dict | None] = {}


def _refined_label(sample: dict, crf: DenseCRF) -> Tensor:
    """The label (1, H, W) of one prediction after the CRF."""
    scores = sample['seg_logits']['data']
    image = read_image(sample['img_path'], tuple(scores.shape[1:]))
    _check_scores(scores, sample)
    probabilities = scores.float().softmax(dim=0).cpu().numpy()
    return torch.from_numpy(crf.refine(image, probabilities).argmax(axis=0)[None])


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
