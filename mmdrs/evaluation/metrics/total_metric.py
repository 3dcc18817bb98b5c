"""Metrics that add up as they go, with work in the background."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import reduce
from typing import Any

from mmengine.dist import get_dist_info
from mmengine.evaluator import BaseMetric


class TotalMetric(BaseMetric):
    """A metric that keeps one sum of counts, so that its memory does not grow with the images.

    A subclass hands one function for each image to :meth:`_submit`. It runs in one of ``threads``
    threads while the network computes the next images (compressing and writing files releases
    Python's lock), and its count is added in order.
    """

    def __init__(
        self, threads: int = 2, collect_device: str = 'cpu', prefix: str | None = None
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._running: deque[Future] = deque()
        self._last: tuple[Any] | None = None
        self._total: Any = None
        self._images = 0

    def _submit(self, job: Callable[..., Any], *arguments: Any) -> None:
        """Run a job for the next image; an error of an earlier one is raised here."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads)
        self._running.append(self._pool.submit(job, *arguments))
        # Each image that waits holds its maps.
        while self._running and (self._running[0].done() or len(self._running) > 4 * self.threads):
            self._take()

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

    def compute_scores(self, total: Any, images: int) -> dict[str, float]:
        """Scores of the total count; None where no image has ground truth."""
        raise NotImplementedError


def _sum(total: Any, count: Any) -> Any:
    """``total + count``, either of which may be None."""
    if total is None or count is None:
        return count if total is None else total
    return total + count
