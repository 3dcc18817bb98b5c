"""The strength of DRS over a training."""

import logging

from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import nn

from mmdrs.engine.hooks.modules import modules_of
from mmdrs.errors import InputError
from mmdrs.models.layers.drs import SuppressionLayer


@HOOKS.register_module()
class DRSScheduleHook(Hook):
    """Fades DRS in at the start of a training and switches it off at the end.

    ``custom_hooks=[dict(type='DRSScheduleHook', warmup_iters=1000)]``. Before each training
    iteration ``i`` (from 0, also in loops by epoch; a resumed training goes on counting) it sets
    the ``strength`` of all DRS layers, those of heads included, and logs it as ``drs_strength``:

    * ``start + (1 - start) * i / warmup_iters`` while ``i < warmup_iters``;
    * 0 in the last ``off_last_iters`` iterations, where the layers are plain ReLUs (without
      ``rectify``, the identity);
    * 1 otherwise.

    **Evaluation.** Validation during the training uses the strength reached so far. Checkpoints
    do not hold it: ``tools/test.py`` always uses full strength. With ``off_last_iters``, give the
    layers ``in_eval=False``, so that validation and tests both run without DRS, as the last
    iterations do; the hook warns otherwise.

    Args:
        warmup_iters: Iterations until full strength.
        start: Strength of the first iteration of a warm-up, 0..1.
        off_last_iters: Iterations without DRS at the end.

    Raises:
        InputError: If a number of iterations is not 0, 1, 2, ..., or ``start`` is outside 0..1.
            When a training begins: if its model has no DRS layer, it is too short for both
            phases, or all of it would be without DRS.
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
        """Strength, 0..1, in an iteration (counted from 0) of a training of ``max_iters``."""
        if iteration >= max_iters - self.off_last_iters:
            return 0.0
        if iteration < self.warmup_iters:
            return self.start + (1 - self.start) * iteration / self.warmup_iters
        return 1.0

    def before_train(self, runner: Runner) -> None:
        self.layers = drs_layers(runner.model)
        max_iters = runner.max_iters
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
        if self.off_last_iters and any(layer.in_eval for layer in self.layers):
            print_log(
                'DRSScheduleHook: off_last_iters ends the training without DRS, but some DRS '
                'layers suppress in evaluation; set in_eval=False in their config',
                logger='current',
                level=logging.WARNING,
            )

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None
    ) -> None:
        strength = self.strength(runner.iter, runner.max_iters)
        for layer in self.layers:
            layer.strength.fill_(strength)
        runner.message_hub.update_scalar('train/drs_strength', strength)


def drs_layers(model: nn.Module) -> list[SuppressionLayer]:
    """The DRS layers of a model, wrapped (by DDP) or not; an error if it has none."""
    return modules_of(
        model,
        SuppressionLayer,
        'DRSScheduleHook: the model has no DRS layer; put some in with DRSBackbone or with '
        'drs=dict(...) of a head, or remove the hook',
    )
