"""Says from when on the labels of a class are corrected."""

import logging
from typing import Any, cast

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop, Runner
from mmseg.registry import HOOKS
from torch import nn

from mmdrs.engine.hooks.modules import modules_of
from mmdrs.errors import InputError
from mmdrs.models.decode_losses.label_correction_loss import (
    MAX_INTERVALS,
    NOT_SEEN,
    LabelCorrectionLoss,
)
from mmdrs.models.losses.early_learning import MIN_POINTS, has_bent


@HOOKS.register_module()
class LabelCorrectionHook(Hook):
    """Follows the IoU of predictions and training labels.

    It serves :class:`~mmdrs.models.LabelCorrectionLoss`.

    ``custom_hooks=[dict(type='LabelCorrectionHook')]``. After each interval it computes the IoU of
    each class, over all processes, and fits the curve a (1 - exp(-b t^c)) to those of all
    intervals so far. When the slope of the curve has fallen by the share ``fall`` of that at the
    first interval, the class has bent: the loss corrects its labels from then on. The log says
    the IoUs and the classes. All state is in the loss, and so in checkpoints.

    Args:
        interval: Epochs between two fits; iterations with ``by_epoch=False``.
        by_epoch: Whether ``interval`` counts epochs.
        fall: The paper's r, 0..1; less corrects earlier.
        min_intervals: Intervals before the first fit; at least 3, the curve has three parameters.
        background_follows: Let the background bend with the first other class, as the authors'
            released code does. Otherwise it has to bend itself.

    Differences from the released code: that one takes an IoU every 100 iterations, gives later
    ones more weight in the fit, and keeps c at most 1. A class that is learned within the first
    interval has a flat curve and bends late, after ten intervals with r = 0.9.

    Raises:
        InputError: For options without sense. When a training begins: if its model has no such
            loss, if it runs by iterations and ``by_epoch`` is True, or if it has too many
            intervals.
    """

    # Before hooks that run the model, and before checkpoints.
    priority = 'HIGH'

    def __init__(
        self,
        interval: int = 1,
        by_epoch: bool = True,
        fall: float = 0.9,
        min_intervals: int = MIN_POINTS,
        background_follows: bool = False,
    ) -> None:
        if not isinstance(interval, int) or interval < 1:
            raise InputError(f'LabelCorrectionHook: interval must be 1, 2, ..., got {interval!r}')
        if not isinstance(fall, int | float) or not 0 < fall < 1:
            raise InputError(
                f'LabelCorrectionHook: fall must be between 0 and 1, exclusive, got {fall!r}'
            )
        if not isinstance(min_intervals, int) or min_intervals < MIN_POINTS:
            raise InputError(
                f'LabelCorrectionHook: min_intervals must be {MIN_POINTS} or more, '
                f'got {min_intervals!r}'
            )
        self.interval = interval
        self.by_epoch = by_epoch
        self.fall = fall
        self.min_intervals = min_intervals
        self.background_follows = background_follows
        self.losses: list[LabelCorrectionLoss] = []

    def before_train(self, runner: Runner) -> None:
        self.losses = correcting_losses(runner.model)
        for loss in self.losses:
            loss.followed = True
        by_iterations = isinstance(runner.train_loop, IterBasedTrainLoop)
        if by_iterations and self.by_epoch:
            raise InputError(
                'LabelCorrectionHook: this training counts iterations, not epochs: give '
                'by_epoch=False and the iterations of an interval'
            )
        length = runner.max_epochs if self.by_epoch else runner.max_iters
        if length // self.interval > MAX_INTERVALS:
            raise InputError(
                f'LabelCorrectionHook: {length} / interval={self.interval} are more than '
                f'{MAX_INTERVALS} intervals; give a greater interval'
            )

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None, outputs=None
    ) -> None:
        # In each iteration: a checkpoint in the midst of an interval, which the first process
        # writes, then holds the counts of all.
        for loss in self.losses:
            gather_counts(loss)
        if not self.by_epoch and self.every_n_train_iters(runner, self.interval):
            self._finish(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        if self.by_epoch and self.every_n_epochs(runner, self.interval):
            self._finish(runner)

    def _finish(self, runner: Runner) -> None:
        """End an interval of all losses."""
        dataset = cast(Any, runner.train_dataloader.dataset)
        names = (dataset.metainfo or {}).get('classes') or ()
        for loss in self.losses:
            newly = finish_interval(loss, self.fall, self.min_intervals, self.background_follows)
            _report(loss, newly, names)


def correcting_losses(model: nn.Module) -> list[LabelCorrectionLoss]:
    """The losses of a model that correct labels, wrapped or not; an error if it has none."""
    return modules_of(
        model,
        LabelCorrectionLoss,
        'LabelCorrectionHook: the model has no LabelCorrectionLoss; set '
        "decode_head.loss_decode.type='LabelCorrectionLoss', or remove the hook",
    )


def gather_counts(loss: LabelCorrectionLoss) -> None:
    """Move the fresh counts of all processes to those of the interval."""
    all_reduce(loss.fresh)
    loss.counts += loss.fresh
    loss.fresh.zero_()


def finish_interval(
    loss: LabelCorrectionLoss, fall: float, min_intervals: int, background_follows: bool = False
) -> list[int]:
    """Turn the counts of an interval into IoUs, and see which classes have bent.

    Args:
        loss: Its state is changed.
        fall: Share by which the slope must have fallen.
        min_intervals: Intervals before the first fit.
        background_follows: Let the background bend with the first other class.

    Returns:
        The classes that have bent in this interval.
    """
    both, union = loss.counts
    loss.history[loss.intervals] = torch.where(union > 0, both / union, NOT_SEEN)
    loss.intervals += 1
    loss.counts.zero_()
    past = loss.history[: int(loss.intervals)].cpu().double()
    past = past.masked_fill(past == NOT_SEEN, float('nan')).numpy()
    if len(past) < min_intervals:
        return []
    open_classes = torch.nonzero(~loss.bent).flatten().tolist()
    newly = [index for index in open_classes if has_bent(past[:, index], fall)]
    background = loss.background
    if background_follows and newly and background is not None and background in open_classes:
        newly = sorted({*newly, background})
    loss.bent[newly] = True
    return newly


def _report(loss: LabelCorrectionLoss, newly: list[int], names: tuple[str, ...]) -> None:
    """Log the IoUs of an interval, and the classes whose labels are corrected from now on."""

    def name(index: int) -> str:
        return names[index] if index < len(names) else str(index)

    number = int(loss.intervals)
    ious = loss.history[number - 1].tolist()
    known = [f'{name(i)} {100 * iou:.1f}' for i, iou in enumerate(ious) if iou != NOT_SEEN]
    _log(f'interval {number}, IoU with the training labels: {", ".join(known)}')
    corrected = torch.nonzero(loss.bent).flatten().tolist()
    if newly:
        others = len(corrected) - len(newly)
        before = f' ({others} before)' if others else ''
        _log(f'labels are corrected from now on: {", ".join(map(name, newly))}{before}')


def _log(text: str) -> None:
    print_log(f'LabelCorrectionHook: {text}', logger='current', level=logging.INFO)
