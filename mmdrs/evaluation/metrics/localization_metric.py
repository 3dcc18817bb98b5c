"""Localization maps in the test loop: written, and scored where there is ground truth."""

from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample

from mmdrs.evaluation.functional.scores import MapCounts, count_maps
from mmdrs.evaluation.metrics.file_metric import FileMetric
from mmdrs.evaluation.metrics.samples import map_record
from mmdrs.evaluation.records.record import Task
from mmdrs.models.tta.localization_tta import set_maps
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.constants import MAP_THRESHOLD
from mmdrs.pseudo_labels.map_file import LocalizationMaps, read_maps, read_record, write_maps
from mmdrs.pseudo_labels.output_paths import image_id, output_path


@METRICS.register_module()
class LocalizationMetric(FileMetric):
    """Writes the localization maps of a test run and scores them.

    Scores, in percent: ``mIoU_fixed`` at the fixed threshold; ``mIoU_swept`` at the threshold that
    is best *on this ground truth* (seed quality as papers print it; supervision the setting does
    not have), with ``best_threshold``; ``coverage``, the share of the objects' pixels whose map
    exceeds ``coverage_threshold``, and ``precision``, the share of those activated pixels that lie
    on the object. The stored levels are scored, resized to the ground truth's size.

    Args:
        output_dir: Folder of the map files ``<image id>.npz``; None writes none.
        threshold: The fixed threshold, 0..1.
        coverage_threshold: A pixel is covered when its map exceeds this, 0..1.
        keep_results: Accepted because ``tools/test.py --out`` sets it; maps are always kept.
        threads: See :class:`FileMetric`, also for the arguments after it.
    """

    task: ClassVar[Task] = 'seed'
    holds_prediction = True
    suffix = '.npz'

    def __init__(
        self,
        output_dir: str | None = None,
        threshold: float = MAP_THRESHOLD,
        coverage_threshold: float = MAP_THRESHOLD,
        keep_results: bool = True,
        threads: int = 2,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(output_dir, threads, collect_device, prefix)
        self.threshold = threshold
        self.coverage_threshold = coverage_threshold

    def kept(self, sample: dict) -> bool:
        """Whether the map file of an image is there, whole, and made of the same."""
        path = self._files(sample)
        if path is None or self.record is None:
            return False
        return read_record(path) == map_record(self.record, sample)

    def restore(self, sample: SegDataSample) -> None:
        """Put the maps of a kept file into a data sample."""
        stored = read_maps(cast(Path, self._files(sample.to_dict())))
        maps = torch.zeros(self.num_classes, *stored.values.shape[1:])
        maps[0] = self.threshold
        maps[[label + 1 for label in stored.labels]] = torch.from_numpy(stored.floats())
        set_maps(sample, maps)

    def _files(self, sample: dict) -> Path | None:
        if self.output_dir is None:
            return None
        return output_path(self.output_dir, image_id(sample), self.suffix)

    def _read(self, files: Path) -> LocalizationMaps:
        return read_maps(files)

    def _make(self, files: Path | None, maps: LocalizationMaps) -> LocalizationMaps:
        if files is not None:
            write_maps(files, maps)
        return maps

    def _count(self, made: LocalizationMaps, actual: np.ndarray) -> MapCounts:
        maps = resize_array(made.floats(), actual.shape)
        return count_maps(maps, made.labels, actual, self.num_classes, self.coverage_threshold)

    def compute_scores(self, total: MapCounts | None, images: int) -> dict[str, float]:
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
