"""What DRS layers do, over a training."""

from contextlib import ExitStack

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmdrs.engine.hooks.drs_schedule_hook import drs_layers
from mmdrs.models.layers.observation import Observation, observed


@HOOKS.register_module()
class DRSVisualizationHook(Hook):
    """Writes, every ``interval`` training iterations and for each DRS layer, to the visualizer:

    * ``drs_suppressed/<layer>``: share of the positive activations that were capped, percent;
    * ``drs_control/<layer>``: mean control value, and its histogram where a backend has histograms
      (``TensorboardVisBackend``).

    ``custom_hooks=[dict(type='DRSVisualizationHook', interval=50)]``

    Args:
        interval: Iterations between two notes.

    Raises:
        ValueError: If the model has no DRS layer, when a training begins.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 50) -> None:
        self.interval = interval
        self._stack = ExitStack()
        self._found: dict[str, list[Observation]] = {}

    def before_train(self, runner: Runner) -> None:
        """Check that there is something to see."""
        drs_layers(runner.model)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Watch the layers of every ``interval``-th iteration."""
        if is_main_process() and self.every_n_train_iters(runner, self.interval):
            self._found = self._stack.enter_context(observed(runner.model))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Write what was seen."""
        if not self._found:
            return
        self._stack.close()
        step = runner.iter + 1
        for name, seen in self._found.items():
            if not seen:
                continue
            control = torch.cat([observation.control for observation in seen])
            share = 100 * sum(o.suppressed for o in seen) / len(seen)
            scalars = {f'drs_suppressed/{name}': share, f'drs_control/{name}': control.mean()}
            runner.visualizer.add_scalars({k: float(v) for k, v in scalars.items()}, step)
            _add_histograms(runner, f'drs_control/{name}', control, step)
        self._found = {}


def _add_histograms(runner: Runner, name: str, values: torch.Tensor, step: int) -> None:
    for backend in runner.visualizer._vis_backends.values():
        writer = getattr(backend, 'experiment', None)
        if hasattr(writer, 'add_histogram'):
            writer.add_histogram(name, values, step)
