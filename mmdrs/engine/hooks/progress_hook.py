"""Short progress lines on the console; MMEngine's full log is in the log file."""

import time
from collections.abc import Sequence
from datetime import timedelta

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class ProgressHook(Hook):
    """Prints the progress of a run, its loss and the time left; see :class:`Progress`."""

    priority = 'LOW'

    def __init__(self, title: str, seconds: float = 10) -> None:
        self.progress = Progress(title, seconds)

    def before_train(self, runner: Runner) -> None:
        self.progress.start(runner.iter)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None, outputs=None
    ) -> None:
        loss = runner.message_hub.get_scalar('train/loss').mean(20)
        self.progress.step(runner.iter + 1, runner.max_iters, f'loss {loss:.4f}')

    def before_test(self, runner: Runner) -> None:
        self.progress.start(0)

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: DATA_BATCH = None,
        outputs: Sequence | None = None,
    ) -> None:
        self.progress.step(batch_idx + 1, len(runner.test_dataloader), '')


class Progress:
    """Prints the progress of countable steps and the time left, on the main process only.

    Args:
        title: Start of each line.
        seconds: Shortest time between two lines; the last step always gets one.
    """

    def __init__(self, title: str, seconds: float = 10) -> None:
        self.title = title
        self.seconds = seconds
        self.start(0)

    def start(self, done: int) -> None:
        """Start the clock, with ``done`` steps already done."""
        self.first = done
        self.began = self.printed = time.monotonic()

    def step(self, done: int, total: int, detail: str = '') -> None:
        """Report that ``done`` of ``total`` steps are done."""
        now = time.monotonic()
        if not is_main_process() or (now - self.printed < self.seconds and done < total):
            return
        self.printed = now
        left = (now - self.began) / max(done - self.first, 1) * (total - done)
        parts = [f'{done}/{total}', detail, f'left {format_seconds(left)}']
        print(f'  {self.title}: {"  ".join(part for part in parts if part)}', flush=True)


def format_seconds(seconds: float) -> str:
    """``h:mm:ss``."""
    return str(timedelta(seconds=round(seconds)))
