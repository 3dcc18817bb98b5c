"""MMEngine's runner with a quiet console."""

import logging

from mmengine.logging import MMLogger
from mmengine.runner import Runner
from mmseg.registry import RUNNERS


@RUNNERS.register_module()
class QuietRunner(Runner):
    """MMEngine's runner whose log goes to the log file; the console shows errors only.

    A pipeline runs many stages one after another: the configs and environments which each of them
    logs would hide what is going on. ``ProgressHook`` tells that.
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
