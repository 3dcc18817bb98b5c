"""Adding up as a metric goes: the sum, repeated images, errors in the background."""

import threading

import numpy as np
import pytest
import torch
from mmseg.structures import SegDataSample

from mmdrs.evaluation.metrics import file_metric
from mmdrs.evaluation.metrics.file_metric import FileMetric
from mmdrs.pseudo_labels.map_file import LocalizationMaps


def sample(value: int | None) -> dict:
    """An image whose ground truth is a number."""
    data = {} if value is None else dict(gt_sem_seg=dict(data=torch.full((1, 1, 1), value)))
    return dict(img_path='a.jpg', **data)


class Sum(FileMetric):
    """Sums the squares of what it is given; all files are kept."""

    def kept(self, sample: dict) -> bool:
        return True

    def restore(self, sample: SegDataSample) -> None:
        raise NotImplementedError

    def _files(self, sample: dict) -> None:
        return None

    def _make(self, files: None, maps: LocalizationMaps) -> None:
        raise NotImplementedError

    def _read(self, files: None) -> None:
        return None

    def _count(self, made: None, actual: np.ndarray) -> int:
        value = int(actual.sum())
        if value < 0:
            raise OSError(f'no space for {value}')
        return value * value

    def process(self, data_batch: None, values: list[int | None]) -> None:
        super().process(None, [sample(value) for value in values])

    def compute_scores(self, total: int | None, images: int) -> dict:
        return dict(total=total, images=images)


def test_sum_and_number_of_images() -> None:
    metric = Sum()
    metric.process(None, [1, 2, None])
    metric.process(None, [3])
    assert metric.evaluate(4) == dict(total=14, images=4)
    metric.process(None, [None])  # starts anew
    assert metric.evaluate(1) == dict(total=None, images=1)


def test_memory_does_not_grow() -> None:
    """Neither results nor running jobs pile up."""
    metric = Sum(threads=1)
    for value in range(1000):
        metric.process(None, [value])
        assert len(metric._running) <= 4 and metric.results == []
    assert metric.evaluate(1000)['total'] == sum(v * v for v in range(1000))


def test_repeated_image_is_not_counted_twice(monkeypatch) -> None:
    """Five images in two processes: the second gets an image of the first again, at its end."""
    found = []
    for rank, share in enumerate(([1, 2, 3], [4, 5, 1])):
        monkeypatch.setattr(file_metric, 'get_dist_info', lambda r=rank: (r, 2))
        metric = Sum()
        metric.process(None, share)
        found.append(metric.evaluate(5))
    assert found == [dict(total=14, images=3), dict(total=41, images=2)]


def test_errors_reach_the_caller() -> None:
    metric = Sum()
    metric.process(None, [1, -7])
    with pytest.raises(OSError, match='no space for -7'):
        metric.evaluate(2)


def test_jobs_run_beside_the_caller() -> None:
    """A job is not waited for: it ends only after the caller has gone on."""
    gate = threading.Event()

    class Waiting(Sum):
        def _count(self, made: None, actual: np.ndarray) -> int:
            assert gate.wait(30)
            return int(actual.sum())

    metric = Waiting()
    metric.process(None, [5])
    gate.set()
    assert metric.evaluate(1)['total'] == 5
