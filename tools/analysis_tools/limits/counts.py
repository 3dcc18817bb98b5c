"""Pixel counts of labels over many images, and the kinds of their errors; numpy only."""

from typing import NamedTuple

import numpy as np

from mmdrs.evaluation.functional.scores import LabelCounts
from mmdrs.reporting.report.counting import label_counts


class Errors(NamedTuple):
    """Wrong pixels by kind.

    Attributes:
        over_wide: Background that is labelled as an object.
        missing: Objects that are labelled as background.
        confused: Objects that are labelled as another class.
    """

    over_wide: int
    missing: int
    confused: int

    @classmethod
    def of(cls, confusion: np.ndarray) -> 'Errors':
        """Count a confusion matrix (classes, classes + 1): a row for each true class."""
        objects = confusion[1:, 1:-1]
        return cls(
            over_wide=int(confusion[0, 1:-1].sum()),
            missing=int(confusion[1:, 0].sum()),
            confused=int(objects.sum() - np.trace(objects)),
        )

    def percent(self, pixels: int) -> dict[str, float]:
        """Each kind in percent of some number of pixels; 0 of none."""
        return {kind: 100 * count / max(pixels, 1) for kind, count in self._asdict().items()}


class LabelTotal:
    """The labels of some images against ground truth.

    Attributes:
        images: Number of images.
        confusion: Sum of their matrices, see
            :func:`~mmdrs.reporting.report.counting.confusion_matrix`.
    """

    def __init__(self, num_classes: int) -> None:
        self.images = 0
        self.confusion = np.zeros((num_classes, num_classes + 1), np.int64)

    def add(self, confusion: np.ndarray) -> None:
        """Add the matrix of one image."""
        self.images += 1
        self.confusion += confusion

    @property
    def counts(self) -> LabelCounts:
        """The counts of the pipeline's scores."""
        return label_counts(self.confusion)

    @property
    def pixels(self) -> int:
        """Scored pixels."""
        return int(self.confusion.sum())

    @property
    def errors(self) -> Errors:
        return Errors.of(self.confusion)

    @property
    def accuracy(self) -> float:
        """Share of the scored pixels that are right, in percent; NaN without any."""
        right = int(np.trace(self.confusion))
        return 100 * right / self.pixels if self.pixels else float('nan')
