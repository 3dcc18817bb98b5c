"""Uncertainty over rescaled responses, beside a softmax at each scale."""

import numpy as np
import pytest
import torch

from mmdrs.models.losses.response_scaling import (
    pixel_weights,
    response_disagreement,
    response_variance,
)

SCALES = (0.25, 0.5, 1, 2, 4)


def probabilities(logits: np.ndarray, scale: float, background: int) -> np.ndarray:
    """Softmax (N, C, H, W) after multiplying the foreground responses."""
    factors = np.full((1, logits.shape[1], 1, 1), float(scale))
    factors[0, background] = 1
    responses = np.exp(logits) * factors
    return responses / responses.sum(axis=1, keepdims=True)


@pytest.fixture
def logits() -> np.ndarray:
    return 2 * np.random.default_rng(0).normal(size=(2, 4, 5, 5))


@pytest.mark.parametrize('background', [0, 2])
def test_variance_of_the_foreground(logits: np.ndarray, background: int) -> None:
    shares = [1 - probabilities(logits, s, background)[:, background] for s in SCALES]
    # Of two classes; the greatest variance is where both are equal, as the scales are symmetric.
    torn = [1 - probabilities(np.zeros((1, 2, 1, 1)), s, 0)[0, 0, 0, 0] for s in SCALES]
    expected = np.var(shares, axis=0) / np.var(torn)
    found = response_variance(torch.tensor(logits), SCALES, background)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.min() < 0.2 and 0.8 < found.max() <= 1


def test_variance_is_normalised_for_any_scales() -> None:
    """Between scales 1 and 16 the network is torn where the background is 4 times as strong."""
    log_odds = torch.linspace(-6, 2, 81, dtype=torch.float64)
    logits = torch.stack([torch.zeros_like(log_odds), log_odds])[None, :, None]
    found = response_variance(logits, (1, 16))[0, 0]
    assert found.max() == pytest.approx(1, abs=1e-3)
    assert float(log_odds[found.argmax()]) == pytest.approx(-np.log(4), abs=0.06)


@pytest.mark.parametrize('background', [0, 2])
def test_disagreement_with_the_label(logits: np.ndarray, background: int) -> None:
    labels = np.random.default_rng(1).integers(0, 4, (2, 5, 5))
    decided = [probabilities(logits, s, background).argmax(axis=1) for s in SCALES]
    expected = np.mean([d != labels for d in decided], axis=0)
    found = response_disagreement(torch.tensor(logits), torch.tensor(labels), SCALES, background)
    np.testing.assert_allclose(found, expected)
    assert set(expected.ravel()) - {0.0, 1.0}


def test_weights() -> None:
    u = torch.tensor([0.0, 0.25, 1.0])
    assert pixel_weights(u).tolist() == [1, 0.75, 0]
    np.testing.assert_allclose(pixel_weights(u, 2.0), np.exp([0, -0.5, -2]), rtol=1e-6)
