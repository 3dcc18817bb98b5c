"""Held-back log lines."""

import logging

import pytest
from mmengine.logging import MMLogger

from mmdrs.apis.quiet import quiet_log


def test_level_comes_back_after_an_error() -> None:
    logger = MMLogger.get_current_instance()
    before = logger.level
    with pytest.raises(KeyError), quiet_log(logging.ERROR):
        assert logger.level == logging.ERROR
        raise KeyError
    assert logger.level == before
