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
    """Counts of a pseudo label, in three forms.

    Attributes:
        evaluated: Without ignored pixels, as the released scripts score it.
        written: As in its file, where ignored pixels are misses.
        kept: Of the pixels that are not ignored: what a network learns from.
        images: Number of images.
    """

    evaluated: LabelCounts
    written: LabelCounts
    kept: LabelCounts
    images: int = 1

    @classmethod
    def of(
        cls, labels: Sequence[np.ndarray], actual: np.ndarray, num_classes: int
    ) -> 'FusedCounts':
        """Count ``(written, evaluated)``, both (H, W), against the ground truth (H, W)."""
        written, evaluated = labels
        _check_size(actual, written.shape)
        kept = np.where(written == IGNORE_LABEL, IGNORE_LABEL, actual)
        return cls(
            count_label(evaluated, actual, num_classes),
            count_label(written, actual, num_classes),
            count_label(written, kept, num_classes),
        )

    def __add__(self, other: 'FusedCounts') -> 'FusedCounts':
        return FusedCounts(
            self.evaluated + other.evaluated,
            self.written + other.written,
            self.kept + other.kept,
            self.images + other.images,
        )

    def forms(self) -> dict[str, LabelCounts]:
        """The three forms by the names of their scores."""
        return dict(mIoU=self.evaluated, mIoU_written=self.written, mIoU_kept=self.kept)

    def share_kept(self) -> float:
        """Share in percent of the pixels with ground truth that are not ignored."""
        return float(100 * self.kept.actual.sum() / max(1, self.evaluated.actual.sum()))


def count_label(predicted: np.ndarray, actual: np.ndarray, num_classes: int) -> LabelCounts:
    """Count one label map (H, W) against its ground truth (H, W).

    Raises:
        InputError: If they differ in size, or hold a class that there is not.
    """
    _check_size(actual, predicted.shape)
    valid = actual != IGNORE_LABEL
    predicted, actual = predicted[valid], actual[valid]
    return LabelCounts(
        _histogram(predicted[predicted == actual], num_classes),
        _histogram(predicted[predicted != IGNORE_LABEL], num_classes),
        _histogram(actual, num_classes),
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


@dataclass(frozen=True)
class MapCounts:
    """Pixel counts of the localization maps of one or more images, for every threshold at once.

    ``C`` is the number of classes with background.

    Attributes:
        hits: Pixels by level of the winning class, where it is the true class, int64 (256, C);
            column 0: pixels of true background in images with a class, by the same level.
        wins: The same, whatever the truth (256, C); column 0 is empty.
        actual: Pixels of each true class (C,).
        mapped: Pixels of each true class in images that have a map of it (C,).
        covered: Those of them whose map exceeds the coverage threshold (C,).
        activated: All pixels whose map of that class does (C,).
        unlabelled: Pixels of true background in images without any class.
    """

    hits: np.ndarray
    wins: np.ndarray
    actual: np.ndarray
    mapped: np.ndarray
    covered: np.ndarray
    activated: np.ndarray
    unlabelled: int

    def __add__(self, other: 'MapCounts') -> 'MapCounts':
        return MapCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def scores(self, fixed_threshold: float = MAP_THRESHOLD) -> MapScores:
        """Score all images; a pixel is foreground where its level reaches a threshold."""
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
            coverage=100 * int(self.covered.sum()) / max(int(self.mapped.sum()), 1),
            precision=100 * int(self.covered.sum()) / max(int(self.activated.sum()), 1),
            curve=curve,
            fixed_iou=100 * by_class[fixed],
            swept_iou=100 * by_class[best],
        )


def count_maps(
    maps: np.ndarray,
    labels: Sequence[int],
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

    Raises:
        InputError: If maps and ground truth differ in size, or hold a class that there is not.
    """
    classes = np.asarray(labels, np.int64) + 1
    if classes.size and not 0 < classes.min() <= classes.max() < num_classes:
        raise InputError(
            f'maps of the classes {list(labels)}, but there are {num_classes - 1} and background'
        )
    _check_size(actual, maps.shape[1:])
    valid = actual != IGNORE_LABEL
    values = maps[:, valid]  # (K, P)
    truth = actual[valid]
    objects = truth == classes[:, None]  # (K, P)
    active = values > np.float32(coverage_threshold)
    mapped, covered, activated = np.zeros((3, num_classes), np.int64)
    mapped[classes] = objects.sum(axis=1)
    covered[classes] = (active & objects).sum(axis=1)
    activated[classes] = active.sum(axis=1)
    hits, wins = np.zeros((2, LEVELS, num_classes), np.int64)
    if len(classes):
        level = to_levels(values.max(axis=0))
        winner = classes[values.argmax(axis=0)]
        cell = level.astype(np.int64) * num_classes + winner
        wins = _histogram(cell, wins.size).reshape(wins.shape)
        hits = _histogram(cell[winner == truth], hits.size).reshape(hits.shape)
        hits[:, 0] = _histogram(level[truth == 0], LEVELS)
    return MapCounts(
        hits=hits,
        wins=wins,
        actual=_histogram(truth, num_classes),
        mapped=mapped,
        covered=covered,
        activated=activated,
        unlabelled=0 if len(classes) else int((truth == 0).sum()),
    )


def _check_size(actual: np.ndarray, size: tuple[int, ...]) -> None:
    if actual.shape != size:
        (height, width), (found_height, found_width) = size, actual.shape
        raise InputError(
            f'the ground truth is {found_width} x {found_height}, what is compared with it is '
            f'{width} x {height} (width x height)'
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
