"""Stops a training that learns nothing."""

import logging
import math
from pathlib import Path
from typing import cast

import torch
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.logging import print_log
from mmengine.optim import AmpOptimWrapper, OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmdrs.errors import InputError

#: Iterations in a row that a loss scaler may skip while it looks for its scale.
SKIPPED = 20


@HOOKS.register_module()
class TrainingGuardHook(Hook):
    """Stops a training with a loss that is not finite, or with such weights.

    It reads the losses that MMEngine has logged, and looks at the weights of a checkpoint before
    it is written. So it costs no synchronisation with a GPU, and the checkpoints before stay good.
    With a loss scaler (``AmpOptimWrapper``), which skips such iterations, it waits for
    20 of them in a row. ``train_model`` adds it to every training.

    Raises:
        InputError: If the training must stop; names the iteration and the likely causes.
    """

    def __init__(self) -> None:
        self.failed = 0  # iterations in a row

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: dict | None = None,
    ) -> None:
        """Look at the logged losses."""
        losses = {
            name: runner.message_hub.get_scalar(f'train/{name}').current()
            for name in outputs or {}
            if 'loss' in name
        }
        broken = [f'{name} is {loss}' for name, loss in losses.items() if not math.isfinite(loss)]
        self.failed = self.failed + 1 if broken else 0
        if not broken:
            return
        reason = f'{", ".join(broken)} in iteration {runner.iter + 1}'
        if isinstance(runner.optim_wrapper, AmpOptimWrapper):
            if self.failed < SKIPPED:
                print_log(f'{reason}: skipped', logger='current', level=logging.WARNING)
                return
            reason += f' and the {SKIPPED - 1} before'
        raise InputError(f'the training has failed: {reason}. {_causes(runner)}')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Look at the weights, which are on the CPU here."""
        for name, value in checkpoint['state_dict'].items():
            if torch.is_tensor(value) and value.isnan().any():
                raise InputError(
                    f'the training has failed: {name} is NaN after iteration {runner.iter + 1}. '
                    f'{_causes(runner)}'
                )


def _causes(runner: Runner) -> str:
    wrapper = cast(OptimWrapper | OptimWrapperDict, runner.optim_wrapper)
    rates = [value for values in wrapper.get_lr().values() for value in values]
    causes = [f'a learning rate too high (it is {max(rates):g})', 'values in the input']
    if isinstance(runner.optim_wrapper, AmpOptimWrapper):
        causes.append('mixed precision (train without --amp)')
    pointer = Path(runner.work_dir) / 'last_checkpoint'
    kept = 'No checkpoint was written'
    if pointer.is_file():
        kept = f'The last good checkpoint is {pointer.read_text(encoding="utf-8")}'
    return f'Likely causes: {", ".join(causes)}. {kept}'
