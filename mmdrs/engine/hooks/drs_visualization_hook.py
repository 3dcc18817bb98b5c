"""Curves of what DRS layers do during a training."""

from contextlib import ExitStack

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmdrs.engine.hooks.drs_schedule_hook import drs_layers
from mmdrs.models.layers.observation import Observation, observed


@HOOKS.register_module()
class DRSVisualizationHook(Hook):
    """Writes to the visualizer, for each DRS layer every ``interval`` training iterations:

    * ``drs_suppressed/<layer>``: share of the positive activations that were capped, percent;
    * ``drs_control/<layer>``: mean control value, and its histogram if a backend has histograms
      (``TensorboardVisBackend``).

    ``custom_hooks=[dict(type='DRSVisualizationHook', interval=50)]``. A training whose model has
    no DRS layer fails at its start with an ``InputError``.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval
        self._stack = ExitStack()
        self._found: dict[str, list[Observation]] = {}

    def before_train(self, runner: Runner) -> None:
        drs_layers(runner.model)  # an error if there are none

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None
    ) -> None:
        if is_main_process() and self.every_n_train_iters(runner, self.interval):
            self._found = self._stack.enter_context(observed(runner.model))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: dict | None = None,
    ) -> None:
        if not self._found:
            return
        self._stack.close()
        step = runner.iter + 1
        backends = runner.visualizer._vis_backends.values()
        writers = [getattr(backend, 'experiment', None) for backend in backends]
        for name, seen in self._found.items():
            if not seen:
                continue
            control = torch.cat([observation.control for observation in seen])
            share = 100 * sum(observation.suppressed for observation in seen) / len(seen)
            scalars = {
                f'drs_suppressed/{name}': share,
                f'drs_control/{name}': control.mean().item(),
            }
            runner.visualizer.add_scalars(scalars, step)
            for writer in writers:
                if add_histogram := getattr(writer, 'add_histogram', None):
                    add_histogram(f'drs_control/{name}', control, step)
        self._found = {}
