"""Localization maps under the test loop: written, and scored where there is ground truth."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from mmengine.logging import MMLogger
from mmseg.registry import METRICS

from mmdrs.evaluation.functional.scores import MapTotals, count_maps
from mmdrs.evaluation.metrics.samples import description, ground_truth, image_id, predicted_maps
from mmdrs.evaluation.metrics.total_metric import TotalMetric
from mmdrs.evaluation.records.record import Task
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.map_file import (
    LocalizationMaps,
    read_maps,
    read_settings,
    write_maps,
)


@METRICS.register_module()
class LocalizationMetric(TotalMetric):
    """Writes the localization maps of a test run and scores them.

    Scores, in percent: ``mIoU_fixed`` at the fixed threshold; ``mIoU_swept`` at the threshold that
    is best *on this ground truth* (seed quality as papers print it; supervision the setting does
    not have), with ``best_threshold``; ``coverage``, the share of the objects' pixels whose map
    exceeds ``coverage_threshold``, and ``precision``, the share of those activated pixels that lie
    on the object. What is scored are the stored levels, resized to the ground truth's size.

    Args:
        output_dir: Folder of the map files ``<image id>.npz``; None writes none.
        threshold: The fixed threshold, 0..1.
        coverage_threshold: A pixel is covered when its map exceeds this.
        settings: Stored in each map file; ``LocalizationMapLoop`` fills it in.
        keep_results: Accepted because ``tools/test.py --out`` sets it; maps are always kept.
        threads: Threads that compress, write and count while the network goes on.
        collect_device: ``'cpu'`` or ``'gpu'``, for results of several processes.
        prefix: Prefix of the names of the scores.

    Attributes:
        class_scores: After :meth:`compute_scores`, IoU in percent of each class for
            ``mIoU_fixed`` and ``mIoU_swept``.
        protocols: What is special in the protocol of each score, for the records.
    """

    task: ClassVar[Task] = 'seed'

    def __init__(
        self,
        output_dir: str | None = None,
        threshold: float = 0.2,
        coverage_threshold: float = 0.2,
        settings: dict | None = None,
        keep_results: bool = True,
        threads: int = 2,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(threads, collect_device, prefix)
        self.output_dir = Path(output_dir) if output_dir else None
        self.threshold = threshold
        self.coverage_threshold = coverage_threshold
        self.settings = settings or {}
        self.class_scores: dict[str, list[float]] = {}
        self.protocols: dict[str, dict[str, str]] = {}

    def stored(self, sample: dict) -> Path | None:
        """The map file of an image if it is there, whole, and made with the present settings."""
        if self.output_dir is None:
            return None
        path = self.output_dir / f'{image_id(sample)}.npz'
        return path if read_settings(path) == self.settings else None

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Write and count the maps of one batch of predictions, in the background."""
        for sample in data_samples:
            # The maps leave the device here; a thread would hold up the network for it.
            predicted = None if 'map_file' in sample else predicted_maps(sample)
            self._submit(self._finish, description(sample), predicted, ground_truth(sample))

    def _finish(
        self,
        sample: dict,
        predicted: tuple[tuple[int, ...], np.ndarray] | None,
        actual: np.ndarray | None,
    ) -> MapTotals | None:
        """Write the maps of one image, unless they are finished, and count them."""
        if predicted is None:  # finished in an earlier run
            stored = read_maps(sample['map_file'])
        else:
            size = tuple(sample.get('original_size', sample['ori_shape'])[:2])
            stored = LocalizationMaps.from_floats(*predicted, size, self.settings)
            if self.output_dir is not None:
                write_maps(self.output_dir / f'{image_id(sample)}.npz', stored)
        if actual is None:
            return None
        num_classes = len(self.dataset_meta['classes'])
        maps = resize_array(stored.floats(), actual.shape)
        counts = count_maps(maps, stored.labels, actual, num_classes, self.coverage_threshold)
        return MapTotals.of(counts, num_classes)

    def compute_scores(self, total: MapTotals | None, images: int) -> dict[str, float]:
        """Scores of all images with ground truth; nothing where no image has any."""
        logger = MMLogger.get_current_instance()
        if self.output_dir is not None:
            logger.info(f'localization maps of {images} images are in {self.output_dir}')
        if total is None:
            logger.info('localization maps are not scored: no image has ground truth')
            return {}
        scores = total.scores(self.threshold)
        logger.info(
            f'mIoU {scores.fixed:.2f} at the fixed threshold {self.threshold}; {scores.swept:.2f} '
            f'at {scores.swept_threshold:.2f}, chosen on this ground truth; coverage '
            f'{scores.coverage:.2f}, precision {scores.precision:.2f}'
        )
        self.class_scores = dict(
            mIoU_fixed=scores.fixed_iou.tolist(), mIoU_swept=scores.swept_iou.tolist()
        )
        coverage = dict(threshold=f'fixed {self.coverage_threshold:g}')
        self.protocols = dict(
            mIoU_fixed=dict(threshold=f'fixed {self.threshold:g}'),
            mIoU_swept=dict(threshold='swept on ground truth'),
            coverage=coverage,
            precision=coverage,
        )
        return dict(
            mIoU_fixed=scores.fixed,
            mIoU_swept=scores.swept,
            best_threshold=scores.swept_threshold,
            coverage=scores.coverage,
            precision=scores.precision,
        )
