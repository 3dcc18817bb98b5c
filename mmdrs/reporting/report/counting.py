"""Counts of labels and maps beyond the pipeline's scores; numpy only.

Pixels whose ground truth is 255 do not count. An *object* is all pixels of one class in one image:
masks do not separate instances.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmdrs.evaluation.functional.scores import LEVELS, LabelCounts, MapCounts
from mmdrs.models.utils.cam import to_levels

IGNORED = 255
SIZES = ('small', 'medium', 'large')


def confusion_matrix(label: np.ndarray, actual: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the pixels of a label by true and by predicted class.

    Args:
        label: Label or prediction (H, W), 255 ignored.
        actual: Ground truth (H, W), 255 does not count.
        num_classes: Classes, background included.

    Returns:
        int64 (num_classes, num_classes + 1): a row for each true class, a column for each
        predicted one, the last column for ignored pixels.
    """
    valid = actual != IGNORED
    columns = label[valid].astype(np.int64)
    columns[columns == IGNORED] = num_classes
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


def level_histograms(
    maps: np.ndarray, labels: Sequence[int], actual: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of all maps of one image by level.

    Args:
        maps: Localization maps (K, H, W), 0..1.
        labels: Their classes, counted from 0.
        actual: Ground truth (H, W): 0 background, class + 1, 255 does not count.

    Returns:
        Two arrays (256,): the pixels that lie on the map's object, and all pixels.
    """
    valid = actual != IGNORED
    levels = to_levels(maps[:, valid])
    objects = actual[valid][None] == np.asarray(labels, np.int64)[:, None] + 1
    return (
        np.bincount(levels[objects], minlength=LEVELS),
        np.bincount(levels.ravel(), minlength=LEVELS),
    )


def precision_recall(
    on_objects: np.ndarray, everywhere: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall of the maps at every threshold: a pixel counts where it reaches it.

    At the fixed threshold they are what the pipeline calls precision and coverage, except for
    pixels exactly on it.

    Args:
        on_objects: Pixels on the maps' objects by level (256,).
        everywhere: All pixels by level (256,).

    Returns:
        Precision and recall (256,), 0..1; NaN where nothing reaches the threshold or there is no
        object.
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
    pixels = counts.actual[np.asarray(counts.labels, np.int64) + 1]
    rows = np.stack([pixels / counts.actual.sum(), pixels, counts.covered, counts.activated], 1)
    return rows[pixels > 0]


@dataclass(frozen=True)
class SizeGroup:
    """The maps of the objects of one size.

    Attributes:
        objects: Their number.
        low: Smallest share of the image, 0..1.
        high: Largest share.
        coverage: Share of the objects' pixels that the maps cover; NaN without objects.
        over_activation: Share of what the maps cover that lies outside the object; NaN where they
            cover nothing.
    """

    objects: int
    low: float = np.nan
    high: float = np.nan
    coverage: float = np.nan
    over_activation: float = np.nan


def size_groups(rows: np.ndarray) -> list[SizeGroup]:
    """Coverage and over-activation by size: thirds of the objects, by their share of the image.

    Args:
        rows: The objects of all images, see :func:`object_rows`: (objects, 4).

    Returns:
        One group for each of :data:`SIZES`; their numbers differ by one at most. Of objects of
        one size the first are in the smaller group.
    """
    groups = []
    ordered = rows[np.argsort(rows[:, 0], kind='stable')]
    for part in np.array_split(ordered, len(SIZES)):
        if not len(part):
            groups.append(SizeGroup(0))
            continue
        _, pixels, covered, activated = part.sum(axis=0)
        outside = float(1 - covered / activated) if activated else np.nan
        low, high = float(part[0, 0]), float(part[-1, 0])
        groups.append(SizeGroup(len(part), low, high, float(covered / pixels), outside))
    return groups


def extremes(scores: np.ndarray, count: int) -> np.ndarray:
    """Which images to show: the worst and the best.

    Args:
        scores: One score an image (N,); images with NaN come last.
        count: How many to choose.

    Returns:
        Their places in ``scores``, worst first; of an odd number one more of the worst. All NaN:
        the first ones.
    """
    order = np.argsort(scores, kind='stable')
    scored = order[np.isfinite(scores[order])]
    if len(scored) <= count or not len(scored):
        return order[:count]
    best = count // 2
    return np.concatenate([scored[: count - best], scored[len(scored) - best :]])
