"""Cross entropy that trusts pixels whose decision withstands rescaled responses."""

import math
from collections.abc import Sequence

import torch
from mmengine.logging import MessageHub
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from mmdrs.errors import InputError
from mmdrs.models.decode_losses.label_correction_loss import check_background, check_common
from mmdrs.models.losses.response_scaling import (
    MEASURES,
    Measure,
    pixel_weights,
    response_disagreement,
    response_variance,
)


@MODELS.register_module()
class ResponseScalingLoss(nn.Module):
    """Cross entropy, each pixel weighted by how sure the network is of it.

    ``loss_decode=dict(type='ResponseScalingLoss')`` of the decode head. After Li et al.,
    "Uncertainty Estimation via Response Scaling for Pseudo-Mask Noise Mitigation in
    Weakly-Supervised Semantic Segmentation" (URN), AAAI 2022: foreground responses are multiplied
    by several factors; where the decision between foreground and background changes with them,
    the label is likely to be wrong. With u the uncertainty and w = 1 - u, or exp(-sharpness u),
    the loss is sum(w CE) / sum(w) over the pixels that are not ignored. Weights are detached.

    Differences from the paper's procedure, which works offline: there a network is trained on the
    pseudo labels first, its responses to each training image are scaled, and the variance of
    what they decide weights the labels on which the network is trained again. Here the network in
    training gives the responses itself, in each batch, with augmentations and dropout; scales
    shift foreground logits by log(s) before the softmax, and the variance is that of the soft
    foreground share. Nothing is stored, and nothing is trained twice: until ``start`` the
    network learns with plain cross entropy.

    Args:
        scales: Positive factors of the foreground responses, two or more different ones.
        measure: ``'variance'`` of the foreground share over the scales, 1 at its greatest value;
            it does not look at labels, and it sees doubt between foreground and background
            only. ``'disagreement'``: share of the scales at which another class than the given
            label wins; it also forgives labels of a wrong foreground class.
        sharpness: None for w = 1 - u; a positive number k for w = exp(-k u).
        start: Share of the iterations of the training with plain cross entropy, 0..1. Outside of
            a training by MMEngine's runner the weights always apply.
        background: Index of the background.
        avg_non_ignore: True only, the mean over weights leaves ignored pixels out. It is accepted
            so that ``type`` can be changed alone.
        loss_weight: Weight of the loss.
        loss_name: Name in the log, which starts with ``loss_``.

    Raises:
        InputError: For options without sense.
    """

    def __init__(
        self,
        scales: Sequence[float] = (0.25, 0.5, 1, 2, 4),
        measure: Measure = 'variance',
        sharpness: float | None = None,
        start: float = 0.3,
        background: int = 0,
        avg_non_ignore: bool = True,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__()
        _check(scales, measure, sharpness, start, background, avg_non_ignore)
        check_common('ResponseScalingLoss', background, loss_name)
        self.scales = tuple(map(float, scales))
        self.measure = measure
        self.sharpness = sharpness
        self.start = start
        self.background = background
        self.loss_weight = loss_weight
        self._loss_name = loss_name

    @property
    def loss_name(self) -> str:
        """Name of the loss in the log."""
        return self._loss_name

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        ignore_index: int = 255,
    ) -> Tensor:
        """The loss, a scalar.

        Args:
            cls_score: Logits, (N, C, H, W).
            label: (N, H, W), int64.
            weight: Weights of the head's pixel sampler, (N, H, W); they multiply w.
            ignore_index: The label of pixels that do not count.
        """
        check_background('ResponseScalingLoss', self.background, cls_score.shape[1])
        scores = cls_score if cls_score.dtype == torch.float64 else cls_score.float()
        loss = F.cross_entropy(scores, label, reduction='none', ignore_index=ignore_index)
        trust = (label != ignore_index).to(scores)
        if _training_share() >= self.start:
            trust = trust * pixel_weights(self.uncertainty(scores, label), self.sharpness)
        if weight is not None:
            trust = trust * weight.to(trust)
        total = trust.sum().clamp(min=torch.finfo(trust.dtype).eps)
        return self.loss_weight * (trust * loss).sum() / total

    def uncertainty(self, logits: Tensor, labels: Tensor) -> Tensor:
        """u of each pixel, (N, H, W), 0..1; no gradient passes."""
        logits = logits.detach()
        if self.measure == 'variance':
            return response_variance(logits, self.scales, self.background)
        return response_disagreement(logits, labels, self.scales, self.background)


def _training_share() -> float:
    """Share of the training's iterations that are done, 0..1; 1 outside of a training.

    The runner's own count, so that a resumed training goes on as if it had not been stopped.
    """
    hub = MessageHub.get_current_instance()
    if hub.get_info('loop_stage') != 'train' or not hub.get_info('max_iters'):
        return 1.0
    return (hub.get_info('iter') or 0) / hub.get_info('max_iters')


def _check(
    scales: Sequence[float],
    measure: str,
    sharpness: float | None,
    start: float,
    background: int,
    avg_non_ignore: bool,
) -> None:
    where = 'ResponseScalingLoss'
    numbers = isinstance(scales, list | tuple) and all(isinstance(s, int | float) for s in scales)
    if not numbers or not all(0 < s < math.inf for s in scales) or len(set(scales)) < 2:
        raise InputError(f'{where}: scales must be two or more positive numbers, got {scales!r}')
    if measure not in MEASURES:
        raise InputError(f'{where}: measure must be one of {MEASURES}, got {measure!r}')
    if sharpness is not None and not (isinstance(sharpness, int | float) and sharpness > 0):
        raise InputError(f'{where}: sharpness must be positive or None, got {sharpness!r}')
    if not isinstance(start, int | float) or not 0 <= start <= 1:
        raise InputError(f'{where}: start must be in 0..1, got {start!r}')
    if background is None:
        raise InputError(f'{where} needs the index of the background, got None')
    if not avg_non_ignore:
        raise InputError(f'{where} leaves ignored pixels out of its mean: avg_non_ignore=True')
