"""Scores of localization maps and pseudo labels against ground truth.

Everything is counted per image and summed, so that images can be counted by several processes.
Pixels whose ground truth is 255 do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from mmdrs.errors import InputError
from mmdrs.models.utils.cam import MAP_THRESHOLD, to_levels
from mmdrs.pseudo_labels.constants import IGNORE_LABEL

LEVELS = 256


@dataclass(frozen=True)
class LabelCounts:
    """Pixel counts by class of a label against ground truth, int64 (classes,).

    A predicted 255 is a miss, as in MMSegmentation's ``IoUMetric``.
    """

    intersection: np.ndarray
    predicted: np.ndarray
    actual: np.ndarray

    def __add__(self, other: 'LabelCounts') -> 'LabelCounts':
        return LabelCounts(
            self.intersection + other.intersection,
            self.predicted + other.predicted,
            self.actual + other.actual,
        )

    def iou(self) -> np.ndarray:
        """IoU by class, 0..1; NaN for a class that occurs on neither side."""
        return _iou(self.intersection, self.predicted, self.actual)

    def miou(self) -> float:
        """Mean IoU in percent over the classes that occur."""
        return _mean_percent(self.iou())


@dataclass(frozen=True)
class FusedCounts:
    """Counts of a pseudo label, in two forms.

    Attributes:
        evaluated: Without ignored pixels, as the released scripts score it.
        written: As in its file, where ignored pixels are misses.
    """

    evaluated: LabelCounts
    written: LabelCounts

    @classmethod
    def of(
        cls, labels: Sequence[np.ndarray], actual: np.ndarray, num_classes: int
    ) -> 'FusedCounts':
        """Count ``(written, evaluated)``, both (H, W), against the ground truth (H, W)."""
        written, evaluated = labels
        return cls(
            count_label(evaluated, actual, num_classes), count_label(written, actual, num_classes)
        )

    def __add__(self, other: 'FusedCounts') -> 'FusedCounts':
        return FusedCounts(self.evaluated + other.evaluated, self.written + other.written)


def count_label(predicted: np.ndarray, actual: np.ndarray, num_classes: int) -> LabelCounts:
    """Count one label map (H, W) against its ground truth (H, W)."""
    valid = actual != IGNORE_LABEL
    predicted, actual = predicted[valid], actual[valid]
    return LabelCounts(
        _histogram(predicted[predicted == actual], num_classes),
        _histogram(predicted[predicted != IGNORE_LABEL], num_classes),
        _histogram(actual, num_classes),
    )


@dataclass(frozen=True)
class MapCounts:
    """Pixel counts of the localization maps of one image, for every threshold at once.

    Attributes:
        labels: The K classes present, counted from 0.
        hits: Pixels by level of the winning class, where it is the true class (256, K).
        wins: The same, whatever the truth (256, K).
        background: Pixels of true background by level of the winning class (256,).
        actual: Pixels of each true class (classes with background,).
        covered: Pixels of each object whose map exceeds the coverage threshold (K,).
        activated: All pixels whose map of that class does (K,).
    """

    labels: tuple[int, ...]
    hits: np.ndarray
    wins: np.ndarray
    background: np.ndarray
    actual: np.ndarray
    covered: np.ndarray
    activated: np.ndarray


def count_maps(
    maps: np.ndarray,
    labels: tuple[int, ...],
    actual: np.ndarray,
    num_classes: int,
    coverage_threshold: float = MAP_THRESHOLD,
) -> MapCounts:
    """Count the maps of one image against its ground truth.

    Args:
        maps: Localization maps of the classes present (K, H, W), 0..1 (above 1 is clipped).
        labels: Those classes, counted from 0.
        actual: Ground truth (H, W): 0 background, class + 1, 255 ignored.
        num_classes: Number of classes, background included.
        coverage_threshold: A pixel is covered where its map exceeds this.
    """
    valid = actual != IGNORE_LABEL
    values = maps[:, valid]  # (K, P)
    truth = actual[valid]
    count = len(labels)
    classes = np.asarray(labels, np.int64) + 1
    objects = truth == classes[:, None]  # (K, P)
    active = values > np.float32(coverage_threshold)
    level = np.zeros(truth.shape, np.uint8)
    hits = wins = np.zeros((LEVELS, count), np.int64)
    if count:
        level = to_levels(values.max(axis=0))
        winner = values.argmax(axis=0)
        cell = level.astype(np.int64) * count + winner
        wins = _histogram(cell, LEVELS * count).reshape(LEVELS, count)
        hits = _histogram(cell[classes[winner] == truth], LEVELS * count).reshape(LEVELS, count)
    return MapCounts(
        labels=tuple(labels),
        hits=hits,
        wins=wins,
        background=_histogram(level[truth == 0], LEVELS),
        actual=_histogram(truth, num_classes),
        covered=(active & objects).sum(axis=1),
        activated=active.sum(axis=1),
    )


@dataclass(frozen=True)
class MapScores:
    """Scores of localization maps, in percent.

    Attributes:
        fixed: mIoU at the fixed threshold.
        swept: mIoU at the threshold that is best *on this ground truth*.
        swept_threshold: That threshold, 0..1.
        coverage: Share of the objects' pixels whose map exceeds the coverage threshold.
        precision: Share of the pixels above that threshold that are on the object.
        curve: mIoU by threshold level (256,).
        fixed_iou: IoU by class at the fixed threshold (classes,); NaN for a class that neither
            maps nor truth hold.
        swept_iou: The same at the swept threshold.
    """

    fixed: float
    swept: float
    swept_threshold: float
    coverage: float
    precision: float
    curve: np.ndarray
    fixed_iou: np.ndarray
    swept_iou: np.ndarray


@dataclass
class MapTotals:
    """Sum of the counts of many images; its size does not grow with them.

    Attributes:
        hits: As in :class:`MapCounts`, (256, classes with background); column 0 is its
            ``background``.
        wins: (256, classes with background).
        actual: (classes with background,).
        covered: Summed over the classes.
        activated: Summed over the classes.
        objects: Pixels of the objects that have a map.
        unlabelled: Pixels of true background in images without any class.
        images: Number of images.
    """

    hits: np.ndarray
    wins: np.ndarray
    actual: np.ndarray
    covered: int = 0
    activated: int = 0
    objects: int = 0
    unlabelled: int = 0
    images: int = 0

    @classmethod
    def empty(cls, num_classes: int) -> 'MapTotals':
        """Counts of no image; ``num_classes`` includes the background."""
        return cls(
            np.zeros((LEVELS, num_classes), np.int64),
            np.zeros((LEVELS, num_classes), np.int64),
            np.zeros(num_classes, np.int64),
        )

    @classmethod
    def of(cls, image: MapCounts, num_classes: int) -> 'MapTotals':
        """Counts of one image."""
        totals = cls.empty(num_classes)
        totals.add(image)
        return totals

    def add(self, image: MapCounts) -> None:
        """Add one image."""
        columns = np.asarray(image.labels, np.int64) + 1
        self.hits[:, columns] += image.hits
        self.wins[:, columns] += image.wins
        if image.labels:
            self.hits[:, 0] += image.background
        else:  # nothing but background, whatever the threshold
            self.unlabelled += int(image.background.sum())
        self.actual += image.actual
        self.covered += int(image.covered.sum())
        self.activated += int(image.activated.sum())
        self.objects += int(image.actual[columns].sum())
        self.images += 1

    def __add__(self, other: 'MapTotals') -> 'MapTotals':
        return MapTotals(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def scores(self, fixed_threshold: float = MAP_THRESHOLD) -> MapScores:
        """Score all images; a pixel is foreground where its level reaches a threshold.

        Raises:
            InputError: If there is no image.
        """
        if not self.images:
            raise InputError('no image with ground truth to score')
        # At threshold t the foreground is what has level >= t, the background what has less.
        intersection = self.hits[::-1].cumsum(axis=0)[::-1]
        predicted = self.wins[::-1].cumsum(axis=0)[::-1]
        background = self.hits[:, 0]
        intersection[:, 0] = background.cumsum() - background + self.unlabelled
        predicted[:, 0] = self.actual.sum() - predicted[:, 1:].sum(axis=1)
        by_class = _iou(intersection, predicted, self.actual)
        curve = np.array([_mean_percent(iou) for iou in by_class])
        best = int(curve.argmax())
        fixed = int(np.ceil(np.float32(fixed_threshold) * 255))
        return MapScores(
            fixed=float(curve[fixed]),
            swept=float(curve[best]),
            swept_threshold=best / 255,
            coverage=100 * self.covered / max(self.objects, 1),
            precision=100 * self.covered / max(self.activated, 1),
            curve=curve,
            fixed_iou=100 * by_class[fixed],
            swept_iou=100 * by_class[best],
        )


def _histogram(values: np.ndarray, bins: int) -> np.ndarray:
    counts = np.bincount(values.ravel(), minlength=bins)
    if len(counts) > bins:
        raise InputError(
            f'a label map holds the value {len(counts) - 1}, but there are {bins} classes'
        )
    return counts


def _iou(intersection: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
    union = predicted + actual - intersection
    return np.where(union > 0, intersection / np.maximum(union, 1), np.nan)


def _mean_percent(iou: np.ndarray) -> float:
    return float(100 * np.nanmean(iou)) if np.isfinite(iou).any() else float('nan')
