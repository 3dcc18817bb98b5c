"""Errors of the libraries as errors of the user."""

import pytest

from mmdrs.errors import InputError, blamed_on


def fail(error: Exception) -> None:
    with blamed_on('stage segmentation'):
        raise error


def test_blamed_on() -> None:
    with pytest.raises(InputError, match=r"^stage segmentation: 'ResNet' is not registered$"):
        fail(KeyError("'ResNet' is not registered"))
    with pytest.raises(InputError, match='^stage segmentation: no such option$'):
        fail(TypeError('no such option'))
    with pytest.raises(ZeroDivisionError):  # a mistake of ours keeps its traceback
        fail(ZeroDivisionError())


def test_assertion_without_a_message_shows_its_line() -> None:
    with pytest.raises(InputError, match=r'AssertionError in test_errors.py, line \d+: raise err'):
        fail(AssertionError())
