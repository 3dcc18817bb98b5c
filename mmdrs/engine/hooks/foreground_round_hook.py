"""Rounds of the training of a foreground."""

from typing import Any, cast

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmdrs.errors import InputError


@HOOKS.register_module()
class ForegroundRoundHook(Hook):
    """Lets a ``ForegroundHead`` teach itself from the end of every round.

    It comes before the checkpoint of the epoch, which so holds the new teacher.

    Args:
        epochs: Length of a round.

    Raises:
        InputError: If it is not positive.
    """

    def __init__(self, epochs: int = 2) -> None:
        if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1:
            raise InputError(f'ForegroundRoundHook: epochs must be 1, 2, ..., got {epochs!r}')
        self.epochs = epochs

    def after_train_epoch(self, runner: Runner) -> None:
        """Begin the next round where one ends."""
        if (runner.epoch + 1) % self.epochs == 0:
            model = runner.model.module if is_model_wrapper(runner.model) else runner.model
            cast(Any, model).decode_head.next_round()
