"""MMEngine's runner with a quiet console."""

import logging
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmseg.registry import RUNNERS


@RUNNERS.register_module()
class QuietRunner(Runner):
    """Logs to the log file; the console shows errors only.

    The configs and environments that each stage of a pipeline logs would hide its progress, which
    ``ProgressHook`` reports.
    """

    def build_logger(
        self, log_level: int | str = 'INFO', log_file: str | None = None, **kwargs
    ) -> MMLogger:
        logger = super().build_logger(log_level, log_file, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.setLevel(logging.ERROR)
        return logger

    def load_checkpoint(self, *args: Any, **kwargs: Any) -> dict:
        """As the parent does; what it prints goes to the log."""
        with redirect_stdout(StringIO()) as printed:
            checkpoint = super().load_checkpoint(*args, **kwargs)
        self.logger.info(printed.getvalue().strip())
        return checkpoint
