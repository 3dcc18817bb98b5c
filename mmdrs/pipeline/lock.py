"""One run at a time in a work directory."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mmengine.dist import broadcast_object_list, is_main_process

from mmdrs.errors import InputError
from mmdrs.reading import read_json

NAME = '.lock'


@contextmanager
def locked(work_dir: Path) -> Iterator[None]:
    """Hold the lock of a work directory; under a launcher the first process holds it for all.

    The lock names its process. One that a killed process of this machine has left does not count.

    Raises:
        InputError: If another run has it; in all processes.
    """
    refused = [_acquire(work_dir / NAME) if is_main_process() else None]
    broadcast_object_list(refused)
    if refused[0]:
        raise InputError(refused[0])
    try:
        with _ended_by_sigterm():
            yield
    finally:
        if is_main_process():
            (work_dir / NAME).unlink(missing_ok=True)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """End by an exception at SIGTERM: jobs that a cluster moves leave no lock behind."""
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    owner = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() == owner:
            sys.exit(128 + number)
        # A loading process, forked with this handler.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _acquire(path: Path) -> str | None:
    """Write the lock; returns why that is not possible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = dict(host=socket.gethostname(), pid=os.getpid(), began=_began(os.getpid()))
    # A lock that cannot be read is of a run that was killed between making and writing it.
    try:
        holder = read_json(path, 'lock')
    except InputError:
        holder = None
    if isinstance(holder, dict) and _is_running(holder):
        return (
            f'{path.parent} is in use by a run of the pipeline: process {holder.get("pid")} on '
            f'{holder.get("host")}. Wait for it, or give another --work-dir. If that process is '
            f'gone, remove {path}'
        )
    path.unlink(missing_ok=True)
    try:
        with path.open('x', encoding='utf-8') as file:
            json.dump(own, file)
    except FileExistsError:
        return f'{path.parent}: another run of the pipeline has just begun there'
    return None


def _is_running(holder: dict) -> bool:
    """Whether the holder of a lock may be running: it is on another machine, or alive here."""
    if holder.get('host') != socket.gethostname():
        return True
    pid = holder.get('pid')
    if not isinstance(pid, int) or pid <= 0:
        return False
    if os.name == 'nt':  # where os.kill would end it
        return True
    # A number may have been given to another process since.
    return _exists(pid) and holder.get('began') == _began(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def _began(pid: int) -> str:
    """When a process began, in the words of the system; '' if it has ended, or none are known."""
    try:
        state, *fields = (
            Path(f'/proc/{pid}/stat').read_text('utf-8', 'replace').rpartition(')')[2].split()
        )
    except OSError:
        return ''
    return '' if state in 'ZX' else fields[18]
