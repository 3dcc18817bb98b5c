"""Bounds of time and memory for one call."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

if not Path('/proc/self/statm').is_file():
    pytest.skip('the bounds are those of Linux', allow_module_level=True)

import resource  # not on Windows

#: Seconds that reading one small file may take, on a busy machine.
SECONDS = 10
#: Bytes that it may take beside what the process has: a picture of the largest accepted size.
MEMORY = 2 * 2**30


class TooLongError(BaseException):
    """Reading takes too long; no reader catches it."""


@contextmanager
def limits(seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Raise TooLongError after some seconds, and MemoryError beyond some memory."""

    def stop(number: int, frame: object) -> None:
        raise TooLongError(f'not read after {seconds} s')

    pages = int(Path('/proc/self/statm').read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    before = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + memory, hard))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.signal(signal.SIGALRM, before)
