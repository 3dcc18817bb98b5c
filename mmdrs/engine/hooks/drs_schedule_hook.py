"""How much of DRS is on, by the iteration of the training."""

import logging

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import nn

from mmdrs.errors import InputError
from mmdrs.models.layers.drs import SuppressionLayer


@HOOKS.register_module()
class DRSScheduleHook(Hook):
    """Fades DRS in at the start of a training and takes it out at the end.

    ``custom_hooks=[dict(type='DRSScheduleHook', warmup_iters=1000)]``. It sets ``strength`` of all
    DRS layers of the model, those of heads included, before each training iteration ``i`` (from 0,
    counted on through a resume; the same in loops by epoch):

    * ``start + (1 - start) * i / warmup_iters`` where ``i < warmup_iters``;
    * 0 in the last ``off_last_iters`` iterations: the layers are plain ReLUs there (without
      ``rectify``, nothing);
    * 1 else.

    The log shows it as ``drs_strength``.

    **Evaluation.** A validation during the training sees the strength that the training has
    reached. Checkpoints do not hold it: ``tools/test.py`` always sees full strength, also for a
    checkpoint of the warm-up. Whether DRS is on in evaluation at all is the layer's ``in_eval``.
    With ``off_last_iters`` the network has last learned without DRS, so give its layers
    ``in_eval=False``: then validation and later tests agree, both without it. The hook warns
    where that is missing.

    Args:
        warmup_iters: Iterations until the full strength is reached.
        start: Strength of the first iteration of a warm-up, 0..1.
        off_last_iters: Iterations at the end without DRS.

    Raises:
        ValueError: For negative numbers or parts of iterations, or a ``start`` outside 0..1. When
            a training begins: if its model has no DRS layer, if it is too short for both phases,
            or if all of it would be without DRS.
    """

    def __init__(self, warmup_iters: int = 0, start: float = 0.0, off_last_iters: int = 0) -> None:
        for name, value in dict(warmup_iters=warmup_iters, off_last_iters=off_last_iters).items():
            if not isinstance(value, int) or value < 0:
                raise InputError(f'DRSScheduleHook: {name} must be 0, 1, 2, ..., got {value!r}')
        if not 0 <= start <= 1:
            raise InputError(f'DRSScheduleHook: start must be in 0..1, got {start}')
        self.warmup_iters = warmup_iters
        self.start = start
        self.off_last_iters = off_last_iters
        self.layers: list[SuppressionLayer] = []

    def strength(self, iteration: int, max_iters: int) -> float:
        """Strength of one training iteration, 0..1.

        Args:
            iteration: Its number, from 0.
            max_iters: Iterations of the whole training.
        """
        if iteration >= max_iters - self.off_last_iters:
            return 0.0
        if iteration < self.warmup_iters:
            return self.start + (1 - self.start) * iteration / self.warmup_iters
        return 1.0

    def before_train(self, runner: Runner) -> None:
        """Find the layers, and compare the numbers with the length of the training."""
        self.layers = drs_layers(runner.model)
        self._check_length(runner.max_iters)
        if self.off_last_iters and any(layer.in_eval for layer in self.layers):
            print_log(
                'DRSScheduleHook: off_last_iters ends the training without DRS, but some DRS '
                'layers suppress in evaluation; set in_eval=False in their config',
                logger='current',
                level=logging.WARNING,
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the strength of this iteration."""
        strength = self.strength(runner.iter, runner.max_iters)
        for layer in self.layers:
            layer.strength.fill_(strength)
        runner.message_hub.update_scalar('train/drs_strength', strength)

    def _check_length(self, max_iters: int) -> None:
        if self.off_last_iters >= max_iters:
            raise InputError(
                f'DRSScheduleHook: off_last_iters={self.off_last_iters} of {max_iters} iterations '
                'leaves none with DRS'
            )
        if self.warmup_iters + self.off_last_iters > max_iters:
            raise InputError(
                f'DRSScheduleHook: warmup_iters={self.warmup_iters} and '
                f'off_last_iters={self.off_last_iters} do not fit into {max_iters} iterations'
            )


def drs_layers(model: nn.Module) -> list[SuppressionLayer]:
    """The DRS layers of a model, wrapped (for instance by DDP) or not.

    Raises:
        ValueError: If it has none.
    """
    found = [module for module in model.modules() if isinstance(module, SuppressionLayer)]
    if not found:
        raise InputError(
            'DRSScheduleHook: the model has no DRS layer; put some in with DRSBackbone or with '
            'drs=dict(...) of a head, or remove the hook'
        )
    return found
