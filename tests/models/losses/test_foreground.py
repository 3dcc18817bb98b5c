"""Targets and loss of a foreground, worked by hand and restated in NumPy."""

import numpy as np
import pytest
import torch

from mmdrs.models.losses.foreground import balanced_cross_entropy, map_foreground


def test_the_greatest_map_averaged_over_areas() -> None:
    maps = torch.zeros(1, 2, 2, 4)
    maps[0, 0, :, 0] = 0.8
    maps[0, 1, 0, :] = 0.4
    # Greatest: rows .8 .4 .4 .4 and .8 0 0 0; areas of 2 x 2.
    found = map_foreground(maps, (1, 2))
    assert found.shape == (1, 1, 1, 2)
    assert found.flatten().tolist() == pytest.approx([0.5, 0.2])
    assert map_foreground(maps, (1, 1)).item() == pytest.approx(0.35)  # every pixel counts


def test_each_side_is_averaged_by_its_own_count() -> None:
    random = np.random.default_rng(0)
    logits, score = random.normal(size=(2, 1, 5, 7)), random.random((2, 1, 5, 7))
    foreground, background = balanced_cross_entropy(
        torch.from_numpy(logits), torch.from_numpy(score), 0.8, 0.3
    )
    probability = 1 / (1 + np.exp(-logits))
    first, second = -np.log(probability[score > 0.8]), -np.log(1 - probability[score < 0.3])
    assert 0 < len(first) != len(second) > 0 and len(first) + len(second) < 70
    assert float(foreground) == pytest.approx(first.mean())
    assert float(background) == pytest.approx(second.mean())


def test_a_side_without_pixels_has_no_loss_and_unsure_pixels_no_gradient() -> None:
    logits = torch.tensor([[[[0.0, 200.0, -200.0]]]], requires_grad=True)
    # The limits themselves are unsure.
    losses = balanced_cross_entropy(logits, torch.tensor([[[[0.9, 0.5, 0.3]]]]), 0.9, 0.3)
    assert [float(loss.detach()) for loss in losses] == [0, 0]
    sum(losses).backward()
    assert logits.grad.flatten().tolist() == [0, 0, 0]
    losses = balanced_cross_entropy(logits, torch.tensor([[[[0.5, 0.0, 0.5]]]]), 0.9, 0.3)
    assert [float(loss.detach()) for loss in losses] == [0, 200]
