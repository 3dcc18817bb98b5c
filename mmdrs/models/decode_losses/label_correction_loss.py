"""Cross entropy to labels that the network corrects, class by class."""

from typing import Any

import torch
from mmengine.logging import MessageHub
from mmseg.models.losses import CrossEntropyLoss
from mmseg.registry import MODELS
from torch import Tensor

from mmdrs.errors import InputError
from mmdrs.models.losses.early_learning import correct_labels, count_overlaps

#: Classes and intervals that the state has room for: its size is that of every checkpoint.
MAX_CLASSES = 256
MAX_INTERVALS = 256
#: Stands for an IoU where a class has no pixel; not NaN, which means a failed training elsewhere.
NOT_SEEN = -1.0


@MODELS.register_module()
class LabelCorrectionLoss(CrossEntropyLoss):
    """Cross entropy that corrects the labels of a class once the network has learned the class.

    ``loss_decode=dict(type='LabelCorrectionLoss')`` of the decode head, together with
    ``custom_hooks=[dict(type='LabelCorrectionHook')]``. After Liu et al., "Adaptive Early-Learning
    Correction for Segmentation from Noisy Annotations" (ADELE), CVPR 2022. The loss counts how
    well the predictions agree with the given labels; the hook fits a curve to the IoU of each
    class and says which classes have bent. In labels of bent classes, pixels whose predicted
    probability exceeds ``confidence`` take the predicted class, if it is the background or
    occurs in the label of the same image (of its crop). Pixels to ignore stay ignored.

    Differences from the authors' released code: there, labels are corrected once an epoch, from
    predictions averaged over scales, and what was corrected stays in the labels; here in each
    batch, from its own logits, with augmentations and dropout, and the given labels stay as they
    are. There is no consistency loss over scales.

    Args:
        confidence: Least probability of a correction (exclusive), 0..1; 0.8 in the paper.
        background: The class that every image may hold; None without one.
        avg_non_ignore: As in ``CrossEntropyLoss``, as the following ones.
        class_weight: Weights of the classes, by the corrected label.
        loss_weight: Weight of the loss.
        loss_name: Name in the log, which starts with ``loss_``.

    Attributes:
        fresh: Counts of this process since the hook has last taken them, (2, 256).
        counts: Intersections and unions of all processes in this interval, (2, 256).
        history: IoU of each finished interval and class, 0..1, (256, 256);
            -1 (``NOT_SEEN``) for a class without a pixel.
        intervals: Number of finished intervals.
        bent: The classes whose labels are corrected, (256,).
        followed: Whether a hook takes the counts.

    Raises:
        InputError: For options without sense; in a training without the hook.
    """

    fresh: Tensor
    counts: Tensor
    history: Tensor
    intervals: Tensor
    bent: Tensor

    def __init__(
        self,
        confidence: float = 0.8,
        background: int | None = 0,
        avg_non_ignore: bool = True,
        class_weight: list[float] | str | None = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_ce',
    ) -> None:
        super().__init__(
            class_weight=class_weight,
            loss_weight=loss_weight,
            loss_name=loss_name,
            avg_non_ignore=avg_non_ignore,
        )
        if not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
            raise InputError(f'LabelCorrectionLoss: confidence must be in 0..1, got {confidence}')
        check_common('LabelCorrectionLoss', background, loss_name)
        self.confidence = confidence
        self.background = background
        self.followed = False
        shape = (2, MAX_CLASSES)
        self.register_buffer('fresh', torch.zeros(shape, dtype=torch.long), persistent=False)
        self.register_buffer('counts', torch.zeros(shape, dtype=torch.long))
        self.register_buffer('history', torch.full((MAX_INTERVALS, MAX_CLASSES), NOT_SEEN))
        self.register_buffer('intervals', torch.zeros((), dtype=torch.long))
        self.register_buffer('bent', torch.zeros(MAX_CLASSES, dtype=torch.bool))

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: int | None = None,
        reduction_override: str | None = None,
        ignore_index: int = 255,
        **kwargs: Any,
    ) -> Tensor:
        """The loss of logits (N, C, H, W) and labels (N, H, W); a scalar unless reduced otherwise.

        Only forward passes that train (training mode, with gradients) count. ``kwargs`` are the
        parent's.
        """
        classes = cls_score.shape[1]
        if classes > MAX_CLASSES:
            raise InputError(f'LabelCorrectionLoss takes up to {MAX_CLASSES} classes: {classes}')
        check_background('LabelCorrectionLoss', self.background, classes)
        scores = cls_score if cls_score.dtype == torch.float64 else cls_score.float()
        if self.training and torch.is_grad_enabled():
            self._require_hook()
            predicted = scores.detach().argmax(dim=1)
            self.fresh += count_overlaps(predicted, label, ignore_index, MAX_CLASSES)
        label = correct_labels(
            scores, label, self.bent[:classes], self.confidence, self.background, ignore_index
        )
        return super().forward(
            scores, label, weight, avg_factor, reduction_override, ignore_index, **kwargs
        )

    def _require_hook(self) -> None:
        """Without the hook no label is ever corrected, and nothing would say so."""
        training = MessageHub.get_current_instance().get_info('loop_stage') == 'train'
        if training and not self.followed:
            raise InputError(
                'LabelCorrectionLoss corrects nothing without its hook: add '
                "dict(type='LabelCorrectionHook') to custom_hooks of the training (in settings: "
                'to segmentation_custom_hooks)'
            )


def check_common(where: str, background: int | None, loss_name: str) -> None:
    """Check what the losses of this folder have in common.

    Raises:
        InputError: If ``background`` is no index or ``loss_name`` would not be trained.
    """
    whole = isinstance(background, int) and not isinstance(background, bool)
    if background is not None and (not whole or background < 0):
        raise InputError(f'{where}: background must be 0, 1, ... or None, got {background!r}')
    if not isinstance(loss_name, str) or not loss_name.startswith('loss_'):
        raise InputError(
            f"{where}: loss_name must start with 'loss_', or MMEngine leaves it out of the sum "
            f'of the losses, got {loss_name!r}'
        )


def check_background(where: str, background: int | None, classes: int) -> None:
    """Check that the background is one of the network's classes.

    Raises:
        InputError: If it is not.
    """
    if background is not None and background >= classes:
        raise InputError(f'{where}: background={background} is none of the {classes} classes')
