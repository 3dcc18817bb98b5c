"""When classes bend, and how their labels are corrected, beside plain loops."""

import numpy as np
import pytest
import torch

from mmdrs.models.losses.early_learning import (
    Curve,
    correct_labels,
    count_overlaps,
    fit_curve,
    has_bent,
)

CURVE = Curve(0.8, 0.4, 1.5)
IGNORE = 255


def height(time: float) -> float:
    return 0.8 * (1 - np.exp(-0.4 * time**1.5))


def test_slope_is_the_derivative() -> None:
    step = 1e-6
    slopes = {t: (height(t + step) - height(t - step)) / (2 * step) for t in (1.0, 2.5, 4.0)}
    for time, slope in slopes.items():
        assert CURVE.value(time) == pytest.approx(height(time))
        assert CURVE.slope_fall(time) == pytest.approx(1 - slope / slopes[1.0], abs=1e-6)
    assert Curve(0.5, 1.0, 3.0).slope_fall(1.0) == 0
    # So flat from the beginning that exp(-b) is no number of double precision.
    assert Curve(0.5, 1000.0, 0.0).slope_fall(4.0) == pytest.approx(0.75)


def test_fit_finds_the_curve_it_was_made_from() -> None:
    values = [height(t) for t in range(1, 9)]
    assert fit_curve(values) == pytest.approx(CURVE, rel=1e-3)
    values[3] = float('nan')  # an interval without the class
    assert fit_curve(values) == pytest.approx(CURVE, rel=1e-3)


@pytest.mark.parametrize('values', [[0.1, 0.2], [0.0] * 5, [0.1, float('nan'), 0.3], []])
def test_nothing_to_fit(values: list[float]) -> None:
    assert fit_curve(values) is None and not has_bent(values)


def test_bends_where_the_slope_has_fallen_by_the_share() -> None:
    """f'(t) / f'(1) = sqrt(t) exp(-0.4 (t^1.5 - 1)), here 0.32, 0.12 and 0.04 at 3, 4 and 5."""
    values = [height(t) for t in range(1, 9)]
    ratios = {t: t**0.5 * np.exp(-0.4 * (t**1.5 - 1)) for t in range(3, 9)}
    for fall in (0.5, 0.9):
        expected = [t for t, ratio in ratios.items() if 1 - ratio >= fall]
        assert [t for t in range(1, 9) if has_bent(values[:t], fall)] == expected
    assert expected[0] == 5
    assert not has_bent([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])  # it still rises


def test_overlaps_beside_a_loop() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 3, (2, 2, 5, 6))
    labels[:, 0] = IGNORE
    expected = np.zeros((2, 5), int)
    for label, guess in zip(labels.ravel(), predicted.ravel(), strict=True):
        for index in range(5):
            if label != IGNORE:
                expected[0, index] += label == index and guess == index
                expected[1, index] += label == index or guess == index
    found = count_overlaps(torch.tensor(predicted), torch.tensor(labels), IGNORE, 5)
    assert found.tolist() == expected.tolist() and expected[0, :3].all()


def corrected_by_loop(logits, labels, bent, confidence, background) -> np.ndarray:
    """Pixel by pixel."""
    result = labels.copy()
    for n, y, x in np.ndindex(*labels.shape):
        powers = np.exp(logits[n, :, y, x] - logits[n, :, y, x].max())
        probabilities = powers / powers.sum()
        best, own = int(probabilities.argmax()), labels[n, y, x]
        allowed = {*labels[n].ravel().tolist(), background} - {IGNORE}
        if own != IGNORE and bent[own] and probabilities[best] > confidence and best in allowed:
            result[n, y, x] = best
    return result


@pytest.mark.parametrize('background', [0, 2, None])
def test_corrections_beside_a_loop(background: int | None) -> None:
    rng = np.random.default_rng(1)
    logits = 3 * rng.normal(size=(3, 4, 9, 9))
    labels = rng.integers(0, 4, (3, 9, 9))
    labels[0][labels[0] == 3] = 1  # classes absent from an image
    labels[1][labels[1] == 0] = 3
    labels[2][labels[2] == 2] = IGNORE
    labels[:, 0] = IGNORE
    bent = np.array([True, True, False, True])
    expected = corrected_by_loop(logits, labels, bent, 0.6, background)
    found = correct_labels(
        torch.tensor(logits), torch.tensor(labels), torch.tensor(bent), 0.6, background
    )
    assert found.tolist() == expected.tolist()
    changed = expected != labels
    assert changed.sum() > 20 and not changed[:, 0].any()
    assert not (expected[0] == 3).any()  # absent: never
    assert (expected[1] == 0).any() == (background == 0)


def test_corrections_in_half_precision_and_without_gradient() -> None:
    logits = torch.tensor([[[[9.0, 0.0, 9.0]], [[0.0, 1.0, 0.0]]]], dtype=torch.bfloat16)
    labels = torch.tensor([[[1, 0, IGNORE]]])
    bent = torch.tensor([True, True])
    found = correct_labels(logits.requires_grad_(), labels, bent)
    assert found.tolist() == [[[0, 0, IGNORE]]] and not found.requires_grad
    # 0.8007 exceeds 0.8, although it is 0.8008 or 0.7969 in bfloat16.
    near = torch.tensor([[[[1.390625]], [[0.0]]]], dtype=torch.bfloat16)
    assert correct_labels(near, torch.tensor([[[1]]]), bent, confidence=0.8005).item() == 0
    assert correct_labels(near, torch.tensor([[[1]]]), bent, confidence=0.8008).item() == 1
