"""Fewer log lines on the console."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.logging import MMLogger


@contextmanager
def quiet_log(level: int = logging.WARNING) -> Iterator[None]:
    """Hold back MMEngine's log lines below a level while the block runs."""
    logger = MMLogger.get_current_instance()
    before = logger.level
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.setLevel(before)
