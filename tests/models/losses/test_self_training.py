"""The self-training target, worked by hand."""

import pytest
import torch

from mmdrs.models.losses.self_training import self_labels

# One pixel a column; classes: background, a, b. The image holds background and a.
LOGITS = torch.tensor([[[[1.0, -3.0, -1.0]], [[2.0, -2.0, -5.0]], [[9.0, -9.0, -4.0]]]])
PRESENT = torch.tensor([[1.0, 1.0, 0.0]])


def test_absent_classes_are_never_chosen() -> None:
    assert self_labels(LOGITS, PRESENT).tolist() == [[[1, 1, 0]]]


def test_released_masking_chooses_an_absent_class_where_all_are_negative() -> None:
    """Multiplied by 0 the absent logit is 0, above every negative one."""
    assert self_labels(LOGITS, PRESENT, 'released').tolist() == [[[1, 2, 2]]]


def test_no_gradient_and_unknown_masking() -> None:
    logits = LOGITS.clone().requires_grad_()
    assert not self_labels(logits, PRESENT).requires_grad
    with pytest.raises(ValueError, match="'exclude', 'released'.*got 'zero'"):
        self_labels(LOGITS, PRESENT, 'zero')
