"""The counts of the report, worked by hand."""

import numpy as np
import pytest

from mmdrs.evaluation.functional.scores import count_maps
from mmdrs.reporting.report.counting import (
    confusion_matrix,
    extremes,
    label_counts,
    level_histograms,
    object_rows,
    precision_recall,
    shares,
    size_groups,
)


def test_confusion_matrix() -> None:
    """Rows are true classes; ignored predictions have a column, ignored truth does not count."""
    label = np.array([[0, 1, 1], [2, 255, 0]], np.uint8)
    actual = np.array([[0, 1, 2], [2, 1, 255]], np.uint8)
    matrix = confusion_matrix(label, actual, 3)
    assert matrix.tolist() == [[1, 0, 0, 0], [0, 1, 0, 1], [0, 1, 1, 0]]
    iou = label_counts(matrix).iou()
    assert iou.tolist() == [1, pytest.approx(1 / 3), 0.5]  # ignored is a miss
    assert shares(matrix[1], matrix[1].sum()).tolist() == [0, 0.5, 0, 0.5]
    assert np.isnan(shares(np.zeros(3, int), np.int64(0))).all()


def test_precision_and_recall_by_threshold() -> None:
    """One map over four pixels: levels 255, 128, 51, 0; the first and third are the object."""
    maps = np.array([[[1.0, 0.504, 0.2005, 0.0]]], np.float32)
    actual = np.array([[1, 0, 1, 255]], np.uint8)
    on_object, everywhere = level_histograms(maps, (0,), actual)
    assert on_object.sum() == 2 and everywhere.sum() == 3
    precision, recall = precision_recall(on_object, everywhere)
    assert (precision[0], recall[0]) == (pytest.approx(2 / 3), 1)
    assert (precision[128], recall[128]) == (0.5, 0.5)
    assert (precision[255], recall[255]) == (1, 0.5)
    empty, none = precision_recall(np.zeros(256, int), np.zeros(256, int))
    assert np.isnan(empty).all() and np.isnan(none).all()


def test_sizes() -> None:
    """Thirds by share of the image; pixels are summed within a third."""
    rows = np.array(
        [[0.5, 50, 25, 100], [0.1, 10, 10, 20], [0.2, 20, 0, 0], [0.3, 30, 30, 30]], float
    )
    small, medium, large = size_groups(rows)
    assert (small.objects, small.low, small.high) == (2, 0.1, 0.2)
    assert small.coverage == pytest.approx(10 / 30)
    assert small.over_activation == pytest.approx(0.5)
    assert (medium.objects, medium.over_activation) == (1, 0)
    assert (large.coverage, large.over_activation) == (0.5, 0.75)
    nothing = size_groups(np.zeros((0, 4)))
    assert [group.objects for group in nothing] == [0, 0, 0] and np.isnan(nothing[0].coverage)


def test_objects_of_an_image() -> None:
    """A class that the image is said to hold but does not show is no object."""
    maps = np.array([[[0.9, 0.9, 0.1, 0.1]], [[0.9, 0.0, 0.0, 0.0]]], np.float32)
    actual = np.array([[1, 0, 1, 0]], np.uint8)
    counts = count_maps(maps, (0, 1), actual, 3, 0.2)
    assert object_rows(counts).tolist() == [[0.5, 2, 1, 2]]


def test_worst_and_best() -> None:
    scores = np.array([50, np.nan, 10, 90, 30, 70])
    assert extremes(scores, 4).tolist() == [2, 4, 5, 3]
    assert extremes(scores, 3).tolist() == [2, 4, 3]  # one more of the worst
    assert extremes(scores, 6).tolist() == [2, 4, 0, 5, 3, 1]
    assert extremes(np.full(3, np.nan), 2).tolist() == [0, 1]
