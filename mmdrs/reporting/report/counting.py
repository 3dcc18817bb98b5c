"""Counts of labels and maps beyond the pipeline's scores; numpy only.

Pixels whose ground truth is 255 do not count. An *object* is all pixels of one class in one image:
masks do not separate instances.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mmdrs.evaluation.functional.scores import LEVELS, LabelCounts, MapCounts
from mmdrs.models.utils.cam import to_levels
from mmdrs.pseudo_labels.constants import IGNORE_LABEL

SIZES = ('small', 'medium', 'large')


def confusion_matrix(label: np.ndarray, actual: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the pixels of a label by true and by predicted class.

    Args:
        label: Label or prediction (H, W), 255 ignored.
        actual: Ground truth (H, W).
        num_classes: Classes, background included.

    Returns:
        int64 (num_classes, num_classes + 1): a row for each true class, a column for each
        predicted one, the last column for ignored pixels.
    """
    valid = actual != IGNORE_LABEL
    columns = label[valid].astype(np.int64)
    columns[columns == IGNORE_LABEL] = num_classes
    places = actual[valid].astype(np.int64) * (num_classes + 1) + columns
    size = (num_classes, num_classes + 1)
    return np.bincount(places, minlength=size[0] * size[1]).reshape(size)


def label_counts(confusion: np.ndarray) -> LabelCounts:
    """The counts of the pipeline's scores, from a confusion matrix; ignored is a miss."""
    square = confusion[:, :-1]
    return LabelCounts(np.diag(square), square.sum(axis=0), confusion.sum(axis=1))


def shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``, float; NaN where ``whole`` is 0."""
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def level_histograms(maps: np.ndarray, labels: Sequence[int], actual: np.ndarray) -> np.ndarray:
    """Pixels of all maps of one image by level.

    Args:
        maps: Localization maps (K, H, W), 0..1.
        labels: Their classes, counted from 0.
        actual: Ground truth (H, W): 0 background, class + 1.

    Returns:
        int64 (2, 256): the pixels on the objects of the maps, and all pixels.
    """
    valid = actual != IGNORE_LABEL
    levels = to_levels(maps[:, valid])
    objects = actual[valid][None] == np.asarray(labels, np.int64)[:, None] + 1
    counted = (levels[objects], levels.ravel())
    return np.stack([np.bincount(pixels, minlength=LEVELS) for pixels in counted])


def precision_recall(
    on_objects: np.ndarray, everywhere: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of the maps at every threshold, from their level histograms.

    A pixel counts where it reaches the threshold. At the fixed threshold these are the pipeline's
    precision and coverage, except for pixels exactly on it.

    Returns:
        Two arrays (256,), 0..1; NaN where nothing reaches the threshold or there is no object.
    """
    hits = on_objects[::-1].cumsum()[::-1]
    reached = everywhere[::-1].cumsum()[::-1]
    return shares(hits, reached), shares(hits, on_objects.sum())


def object_rows(counts: MapCounts) -> np.ndarray:
    """The objects of one image with a map.

    Returns:
        float64 (objects, 4): the object's share of the image, its pixels, those of them that the
        map covers, and all pixels that the map covers.
    """
    shown = counts.mapped > 0
    columns = (
        counts.mapped / counts.actual.sum(),
        counts.mapped,
        counts.covered,
        counts.activated,
    )
    return np.stack(columns, axis=1)[shown]


class SizeGroup(NamedTuple):
    """The maps of the objects of one size; shares are 0..1, NaN where there is nothing to count.

    ``low`` and ``high`` are shares of the image, ``coverage`` is the share of the objects' pixels
    that the maps cover, ``over_activation`` that of the covered pixels outside the object.
    """

    objects: int
    low: float = np.nan
    high: float = np.nan
    coverage: float = np.nan
    over_activation: float = np.nan


def size_groups(rows: np.ndarray) -> list[SizeGroup]:
    """A group for each of :data:`SIZES`: thirds of the objects, by their share of the image.

    Args:
        rows: The :func:`object_rows` of all images.
    """
    ordered = rows[np.argsort(rows[:, 0], kind='stable')]
    return [_size_group(part) for part in np.array_split(ordered, len(SIZES))]


def _size_group(rows: np.ndarray) -> SizeGroup:
    if not len(rows):
        return SizeGroup(0)
    _, pixels, covered, activated = rows.sum(axis=0)
    outside = float(1 - covered / activated) if activated else np.nan
    low, high = float(rows[0, 0]), float(rows[-1, 0])
    return SizeGroup(len(rows), low, high, float(covered / pixels), outside)


def extremes(scores: np.ndarray, count: int) -> np.ndarray:
    """Which images to show: the worst and the best.

    Args:
        scores: One score an image (N,); images with NaN come last.
        count: How many to choose.

    Returns:
        Their places in ``scores``, worst first; of an odd number one more of the worst.
    """
    order = np.argsort(scores, kind='stable')
    scored = order[np.isfinite(scores[order])]
    if len(scored) <= count:
        return order[:count]
    best = count // 2
    return np.concatenate([scored[: count - best], scored[len(scored) - best :]])
