"""Scores against a plain restatement on small random maps."""

from dataclasses import asdict

import numpy as np
import pytest

from mmdrs.evaluation.functional.scores import count_label, count_maps

CLASSES = 4


def plain_miou(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """Mean IoU over classes of many (prediction, truth), 255 of the truth left out."""
    ious = []
    for c in range(CLASSES):
        inter = sum(((p == c) & (t == c)).sum() for p, t in pairs)
        union = sum((((p == c) | (t == c)) & (t != 255)).sum() for p, t in pairs)
        if union:
            ious.append(inter / union)
    return 100 * float(np.mean(ious))


def test_label_counts() -> None:
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(3):
        label = rng.integers(0, CLASSES, (6, 7))
        label[rng.random((6, 7)) < 0.2] = 255  # predicted 255: a miss
        truth = rng.integers(0, CLASSES - 1, (6, 7))  # one class never occurs in the truth
        truth[0] = 255
        pairs.append((label, truth))
    first, *others = (count_label(p, t, CLASSES) for p, t in pairs)
    counts = sum(others, first)
    assert counts.miou() == pytest.approx(plain_miou(pairs))


def test_predicted_255_is_a_miss() -> None:
    counts = count_label(np.array([[1, 255]]), np.array([[1, 1]]), 2)
    assert counts.iou()[1] == 0.5


def test_map_scores_at_every_threshold() -> None:
    rng = np.random.default_rng(1)
    images = []
    for labels in ((0, 2), (1,), ()):
        levels = rng.integers(0, 256, (len(labels), 5, 6)).astype(np.uint8)
        truth = rng.choice([0, *(label + 1 for label in labels), 255], (5, 6))
        images.append((labels, levels, truth))
    counts = [
        count_maps(levels / np.float32(255), labels, truth, CLASSES)
        for labels, levels, truth in images
    ]
    scores = (counts[0] + counts[1] + counts[2]).scores()
    # The same by way of two processes' totals.
    np.testing.assert_equal(asdict((counts[1] + (counts[0] + counts[2])).scores()), asdict(scores))

    def predict(labels, levels, threshold):
        if not labels:
            return np.zeros(levels.shape[1:], int)
        winner = np.asarray(labels)[levels.argmax(0)] + 1
        return np.where(levels.max(0) >= threshold, winner, 0)

    curve = [
        plain_miou([(predict(la, le, t), truth) for la, le, truth in images]) for t in range(256)
    ]
    np.testing.assert_allclose(scores.curve, curve)
    assert scores.fixed == pytest.approx(curve[51])  # 0.2 * 255
    assert scores.swept == pytest.approx(max(curve))
    assert scores.swept_threshold == pytest.approx(int(np.argmax(curve)) / 255)

    covered = activated = objects = 0
    for labels, levels, truth in images:
        for index, label in enumerate(labels):
            active = (levels[index] > 51) & (truth != 255)
            covered += (active & (truth == label + 1)).sum()
            activated += active.sum()
            objects += (truth == label + 1).sum()
    assert scores.coverage == pytest.approx(100 * covered / objects)
    assert scores.precision == pytest.approx(100 * covered / activated)


def test_errors() -> None:
    with pytest.raises(ValueError, match='ground truth is 2 x 1, what is compared with it is 1 x'):
        count_label(np.array([[0]]), np.array([[0, 0]]), CLASSES)
    maps = np.ones((1, 1, 1), np.float32)
    with pytest.raises(ValueError, match='ground truth is 3 x 1, what is compared with it is 1 x'):
        count_maps(maps, (0,), np.array([[0, 0, 0]]), CLASSES)
    for label in (-1, 3):
        with pytest.raises(ValueError, match=rf'maps of the classes \[{label}\], but there are 3'):
            count_maps(maps, (label,), np.array([[0]]), CLASSES)
    with pytest.raises(ValueError, match='holds the value 7, but there are 4 classes'):
        count_label(np.array([[0]]), np.array([[7]]), CLASSES)
