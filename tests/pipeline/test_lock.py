"""The lock of a work directory."""

import json
import multiprocessing
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from mmdrs.errors import InputError
from mmdrs.pipeline.lock import NAME, locked


def test_second_run_is_refused(tmp_path: Path) -> None:
    work_dir = tmp_path / 'work'
    with locked(work_dir):
        found = json.loads((work_dir / NAME).read_text())
        assert (found['pid'], found['host']) == (os.getpid(), socket.gethostname())
        message = rf'work is in use by .*: process {os.getpid()} on {socket.gethostname()}'
        with pytest.raises(InputError, match=message), locked(work_dir):
            pass
        assert (work_dir / NAME).is_file()  # the first run's, which the second has left alone
    assert not (work_dir / NAME).exists()


def test_lock_is_given_back_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), locked(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


forks = pytest.mark.skipif(not hasattr(os, 'fork'), reason='forks')


@forks
def test_lock_is_given_back_at_sigterm(tmp_path: Path) -> None:
    """As a cluster ends a job that goes on elsewhere."""

    def wait() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with locked(tmp_path):
            (tmp_path / 'begun').touch()
            time.sleep(60)

    process = multiprocessing.get_context('fork').Process(target=wait)
    process.start()
    while not (tmp_path / 'begun').exists():
        time.sleep(0.01)
    assert (tmp_path / NAME).is_file()
    process.terminate()
    process.join()
    assert process.exitcode == 128 + signal.SIGTERM
    assert not (tmp_path / NAME).exists()


def ended_process() -> int:
    process = multiprocessing.get_context('fork').Process(target=int)
    process.start()
    process.join()
    return process.pid


@forks
@pytest.mark.parametrize('kind', ['killed', 'number used again', 'empty', 'damaged', 'no number'])
def test_stale_lock_does_not_count(kind: str, tmp_path: Path) -> None:
    host = socket.gethostname()
    content = {
        'killed': json.dumps(dict(host=host, pid=ended_process(), began='1')),
        'number used again': json.dumps(dict(host=host, pid=os.getpid(), began='1')),
        'empty': '',
        'damaged': '[1',
        'no number': json.dumps(dict(host=host, pid='x')),
    }[kind]
    (tmp_path / NAME).write_text(content)
    with locked(tmp_path):
        assert json.loads((tmp_path / NAME).read_text())['pid'] == os.getpid()


def test_lock_of_another_machine_counts(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps(dict(host='elsewhere', pid=ended_process())))
    with pytest.raises(InputError, match=r'on elsewhere\. .*is gone, remove .*\.lock'):
        locked(tmp_path).__enter__()


def test_process_of_another_user_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system refuses to signal it, which shows that it is there."""

    def refuse(pid: int, number: int) -> None:
        raise PermissionError(1, 'Operation not permitted')

    with locked(tmp_path):
        monkeypatch.setattr('os.kill', refuse)
        with pytest.raises(InputError, match='is in use by a run'), locked(tmp_path):
            pass
