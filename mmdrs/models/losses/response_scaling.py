"""How sure a network is of foreground or background, by rescaled responses of the foreground.

After Li et al., "Uncertainty Estimation via Response Scaling for Pseudo-Mask Noise Mitigation in
Weakly-Supervised Semantic Segmentation" (URN), AAAI 2022; see
:class:`~mmdrs.models.decode_losses.ResponseScalingLoss` for the differences.
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

Measure = Literal['variance', 'disagreement']
MEASURES = get_args(Measure)


def foreground_shares(log_odds: Tensor, scales: Sequence[float]) -> Tensor:
    """Probability of all foreground classes together at each scale: (S, *), 0..1.

    Multiplying the unnormalised foreground probabilities by s adds log(s) to the log-odds.

    Args:
        log_odds: Of foreground against background, any shape.
        scales: Positive factors of the foreground.
    """
    shifts = log_odds.new_tensor(scales).log().view(-1, *[1] * log_odds.dim())
    return (log_odds + shifts).sigmoid()


def response_variance(logits: Tensor, scales: Sequence[float], background: int = 0) -> Tensor:
    """Variance of the foreground share over the scales, by its greatest value: (N, H, W), 0..1.

    It is 0 where the network is sure at all scales, 1 where it is torn.

    Args:
        logits: (N, C, H, W).
        scales: Positive factors of the foreground responses, two or more different ones.
        background: Index of the background.
    """
    others = _without(logits, background)
    log_odds = others.logsumexp(dim=1) - logits[:, background]
    variance = foreground_shares(log_odds, scales).var(dim=0, unbiased=False)
    return (variance / _greatest_variance(scales)).clamp(max=1)


def response_disagreement(
    logits: Tensor, labels: Tensor, scales: Sequence[float], background: int = 0
) -> Tensor:
    """Share of the scales at which the network decides for another class: (N, H, W), 0..1.

    Args:
        logits: (N, C, H, W).
        labels: The given labels, (N, H, W), int64.
        scales: As in :func:`response_variance`.
        background: Index of the background.
    """
    strongest, index = _without(logits, background).max(dim=1)
    foreground = index + (index >= background)  # the indices before the background was taken out
    lead = logits[:, background] - strongest
    limits = logits.new_tensor(scales).log().view(-1, 1, 1, 1)
    decided = torch.where(limits > lead, foreground, background)
    return (decided != labels).to(logits.dtype).mean(dim=0)


def _without(logits: Tensor, background: int) -> Tensor:
    return torch.cat([logits[:, :background], logits[:, background + 1 :]], dim=1)


def _greatest_variance(scales: Sequence[float]) -> float:
    """The greatest variance of the foreground share that any log-odds give."""
    limit = max(abs(float(torch.tensor(scales).log().abs().max())), 1.0)
    log_odds = torch.linspace(-2 * limit, 2 * limit, 4001, dtype=torch.float64)
    return float(foreground_shares(log_odds, scales).var(dim=0, unbiased=False).max())


def pixel_weights(uncertainty: Tensor, sharpness: float | None = None) -> Tensor:
    """Weights, 0..1: 1 - u, or exp(-sharpness u) where a sharpness is given."""
    return 1 - uncertainty if sharpness is None else (-sharpness * uncertainty).exp()
