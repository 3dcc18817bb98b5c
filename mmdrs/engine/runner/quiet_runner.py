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
    """MMEngine's runner whose log goes to the log file; the console shows errors only.

    A pipeline runs many stages one after another: the configs and environments that each of them
    logs would hide what is going on, which ``ProgressHook`` shows.
    """

    def build_logger(
        self, log_level: int | str = 'INFO', log_file: str | None = None, **kwargs
    ) -> MMLogger:
        """As the parent does, then silence the handlers that are not files."""
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
