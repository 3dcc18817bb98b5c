"""Metrics that write a file for each image, with work in the background."""

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.dist import get_dist_info
from mmengine.evaluator import BaseMetric
from mmseg.structures import SegDataSample

from mmdrs.errors import naming
from mmdrs.evaluation.metrics.samples import ground_truth, predicted_maps
from mmdrs.evaluation.records.record import Task
from mmdrs.pseudo_labels.map_file import LocalizationMaps


class FileMetric(BaseMetric):
    """A metric of localization maps that writes a file for each image and reuses finished ones.

    ``LocalizationMapLoop`` sets what the files are made of (``record``), skips the network
    where all files of an image are :meth:`kept`, and has them :meth:`restore` its prediction.
    A kept file is not written again.

    The counts of the images are added up as they come, so that memory does not grow with them.
    Each image is made and counted in one of ``threads`` threads while the network computes the
    next ones: compressing and writing files releases Python's lock.

    Args:
        output_dir: Folder of the files; None writes none.
        threads: Threads that compress, write and count while the network goes on.
        collect_device: ``'cpu'`` or ``'gpu'``, for results of several processes.
        prefix: Prefix of the names of the scores.

    Attributes:
        record: Network, weights, pipeline, scales and precision, JSON values only. None, under
            another loop: no file is kept.
        class_scores: After :meth:`compute_scores`, IoU in percent of each class, by score.
        protocols: What is special in the protocol of each score, for the records.
    """

    task: ClassVar[Task]
    #: Whether a file holds the whole prediction, which other metrics need.
    holds_prediction: ClassVar[bool]
    #: Of the files.
    suffix: ClassVar[str] = '.png'

    def __init__(
        self,
        output_dir: str | None = None,
        threads: int = 2,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.output_dir = Path(output_dir) if output_dir else None
        self.threads = threads
        self.record: dict | None = None
        self.class_scores: dict[str, list[float]] = {}
        self.protocols: dict[str, dict[str, str]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._running: deque[Future] = deque()
        self._last: tuple[Any] | None = None
        self._total: Any = None
        self._images = 0

    @abstractmethod
    def kept(self, sample: dict) -> bool:
        """Whether the file of an image is there, whole, and made of the same."""

    @abstractmethod
    def restore(self, sample: SegDataSample) -> None:
        """Put the prediction from the kept file of an image into its data sample."""

    @abstractmethod
    def compute_scores(self, total: Any, images: int) -> dict[str, float]:
        """Scores of the total count; None where no image has ground truth."""

    @abstractmethod
    def _files(self, sample: dict) -> Any:
        """The files of an image, as the next two take them."""

    @abstractmethod
    def _read(self, files: Any) -> Any:
        """Read what the kept files of an image hold."""

    @abstractmethod
    def _make(self, files: Any, maps: LocalizationMaps) -> Any:
        """Write the files of an image and return what :meth:`_read` would."""

    @property
    def meta(self) -> dict[str, Any]:
        """``classes`` and ``palette`` of the data set; the evaluator sets them before a test."""
        return self.dataset_meta or {}

    @property
    def num_classes(self) -> int:
        """Classes of the data set, background included."""
        return len(self.meta['classes'])

    @abstractmethod
    def _count(self, made: Any, actual: np.ndarray) -> Any:
        """Count what was made or read against the ground truth (H, W)."""

    def process(self, data_batch: dict | None, data_samples: Sequence[dict]) -> None:
        """Write and count one batch of predictions, in the background.

        An error of an earlier image is raised here.
        """
        for sample in data_samples:
            # The maps leave the device here: a thread would hold up the network for it.
            predicted = None if self.kept(sample) else predicted_maps(sample, self.record)
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.threads)
            arguments = self._files(sample), predicted, ground_truth(sample)
            where = sample.get('seg_map_path') or sample['img_path']
            self._running.append(self._pool.submit(self._process_image, *arguments, where))
            # Each image that waits holds its maps.
            while self._running and (
                self._running[0].done() or len(self._running) > 4 * self.threads
            ):
                self._take()

    def _process_image(
        self, files: Any, predicted: tuple | None, actual: np.ndarray | None, where: str
    ) -> Any:
        """The count of one image; None without ground truth."""
        made = None
        if predicted is not None:
            made = self._make(files, LocalizationMaps.from_floats(*predicted))
        elif actual is not None:
            made = self._read(files)
        if actual is None:
            return None
        with naming(where):
            return self._count(made, actual)

    def _take(self) -> None:
        """Add the count before the last one, and keep the last apart."""
        count = self._running.popleft().result()
        if self._last is not None:
            self._total = _sum(self._total, self._last[0])
        self._last = (count,)
        self._images += 1

    def evaluate(self, size: int) -> dict:
        """The scores of all ``size`` images of the data set.

        A sampler may repeat one at the end of a process to give all processes the same number; it
        is not counted twice.
        """
        while self._running:
            self._take()
        if self._pool is not None:
            self._pool.shutdown()
        rank, world = get_dist_info()
        own = len(range(rank, size, world))
        if self._last is not None and self._images <= own:
            self._total = _sum(self._total, self._last[0])
        self.results = [(self._total, min(self._images, own))]
        self._pool, self._last, self._total, self._images = None, None, None, 0
        return super().evaluate(max(size, world))

    def compute_metrics(self, results: list[tuple[Any, int]]) -> dict[str, float]:
        """Sum the processes' totals."""
        total = reduce(_sum, (part for part, _ in results))
        return self.compute_scores(total, sum(images for _, images in results))


def _sum(total: Any, count: Any) -> Any:
    """``total + count``, either of which may be None."""
    if total is None or count is None:
        return count if total is None else total
    return total + count
