"""When a network has learned a class and begins to learn the errors of its labels, and the remedy.

Liu et al., "Adaptive Early-Learning Correction for Segmentation from Noisy Annotations" (ADELE),
CVPR 2022: a network fits what is consistent in noisy labels first, their errors later. Its IoU
with its training labels rises steeply, then bends; from the bend on its confident predictions are
better than the labels.
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit
from torch import Tensor

#: Points that the three parameters of a curve need at least.
MIN_POINTS = 3


class Curve(NamedTuple):
    """The curve ``a (1 - exp(-b t^c))``, t > 0.

    Attributes:
        a: Its limit, 0..1.
        b: Its rate, >= 0.
        c: Its shape, >= 0.
    """

    a: float
    b: float
    c: float

    def value(self, time: float) -> float:
        """The height of the curve, 0..1."""
        return float(_curve(np.asarray(time, dtype=np.float64), *self))

    def slope_fall(self, time: float) -> float:
        """The relative fall of the slope since t = 1: 1 - f'(t) / f'(1), below 0 where it rose.

        By logarithms: both slopes of a curve that is flat from the beginning are tiny.
        """
        log_ratio = (self.c - 1) * np.log(time) - self.b * (time**self.c - 1)
        return float(1 - np.exp(min(log_ratio, 700.0)))


def fit_curve(ious: Sequence[float] | NDArray[np.float64]) -> Curve | None:
    """Fit a curve to the values at t = 1, 2, ...; by least squares.

    Args:
        ious: IoU after each interval, 0..1. NaN, where the class did not occur, is left out.

    Returns:
        The curve; None for fewer than three values, for values that are all 0, and where the fit
        does not converge.
    """
    values = np.asarray(ious, dtype=np.float64)
    times = np.arange(1, len(values) + 1, dtype=np.float64)
    known = np.isfinite(values)
    if known.sum() < MIN_POINTS or values[known].max() <= 0:
        return None
    times, values = times[known], values[known]
    bounds = ([0, 0, 0], [1, np.inf, np.inf])
    begin = (min(values.max(), 1.0), 1.0, 1.0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', OptimizeWarning)  # of its covariance
            found, _ = curve_fit(_curve, times, values, begin, bounds=bounds, maxfev=5000)
    except RuntimeError:
        return None
    return Curve(*map(float, found))


def _curve(times: NDArray[np.float64], a: float, b: float, c: float) -> NDArray[np.float64]:
    return a * -np.expm1(-b * times**c)


def has_bent(ious: Sequence[float] | NDArray[np.float64], fall: float = 0.9) -> bool:
    """Whether the slope of the fitted curve has fallen by the share ``fall`` since t = 1.

    Args:
        ious: As in :func:`fit_curve`.
        fall: ``r`` of the paper, 0..1.
    """
    curve = fit_curve(ious)
    return curve is not None and curve.a > 0 and curve.slope_fall(len(ious)) >= fall


def count_overlaps(predicted: Tensor, labels: Tensor, ignore: int, size: int) -> Tensor:
    """Pixels in intersection and union of each class: (2, size), int64.

    Args:
        predicted: Predicted classes, (N, H, W), int64.
        labels: Labels, (N, H, W), int64.
        ignore: The label of pixels that do not count.
        size: Number of classes to count, those that do not occur included.
    """
    valid = labels != ignore
    predicted, labels = predicted[valid], labels[valid]
    both = torch.bincount(labels[predicted == labels], minlength=size)
    areas = torch.bincount(predicted, minlength=size) + torch.bincount(labels, minlength=size)
    return torch.stack([both, areas - both])


def correct_labels(
    logits: Tensor,
    labels: Tensor,
    bent: Tensor,
    confidence: float = 0.8,
    background: int | None = 0,
    ignore: int = 255,
) -> Tensor:
    """The labels with confident predictions in the place of those of bent classes.

    A pixel takes the predicted class if its label is of a bent class, the predicted probability
    exceeds ``confidence``, and the predicted class is the background or occurs in the labels of
    the same image. What is to be ignored stays so.

    Args:
        logits: (N, C, H, W).
        labels: (N, H, W), int64.
        bent: (C,), bool.
        confidence: 0..1.
        background: The class that every image may hold; None without one.
        ignore: The label of pixels without one.

    Returns:
        New labels, (N, H, W), int64; no gradient passes.
    """
    # Sums of probabilities in half precision are not exact enough for a threshold.
    logits = logits.detach()
    logits = logits if logits.dtype == torch.float64 else logits.float()
    probability, predicted = logits.softmax(dim=1).max(dim=1)
    known = labels != ignore
    classes = labels.masked_fill(~known, 0)
    change = known & bent[classes] & (probability > confidence)
    change &= _occurring(classes, known, logits.shape[1], background, predicted)
    return torch.where(change, predicted, labels)


def _occurring(
    classes: Tensor, known: Tensor, count: int, background: int | None, asked: Tensor
) -> Tensor:
    """Whether each class of ``asked`` (N, H, W) occurs in its image or is the background."""
    images = len(classes)
    found = torch.zeros(images, count, dtype=torch.long, device=classes.device)
    found.scatter_add_(1, classes.flatten(1), known.flatten(1).long())
    if background is not None:
        found[:, background] = 1
    return found.gather(1, asked.flatten(1)).view_as(asked) > 0
