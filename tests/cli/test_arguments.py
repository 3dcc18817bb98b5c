"""Errors of commands in one line, and the arguments of a run."""

import errno
import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmdrs.cli import arguments
from mmdrs.cli.arguments import command, command_parser, parse_run_arguments
from mmdrs.errors import InputError, MissingFileError


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (InputError('a is wrong'), 'error: a is wrong'),
        (MissingFileError('there is no b'), 'error: there is no b'),
        (OSError(errno.EACCES, 'not allowed', 'c.txt'), "error: [Errno 13] not allowed: 'c.txt'"),
        (OSError(errno.ENOSPC, 'disk full'), 'error: [Errno 28] disk full'),
    ],
)
def test_one_line(error: Exception, line: str) -> None:
    @command
    def main(argv: list[str] | None = None) -> None:
        assert argv == ['--x']
        raise error

    with pytest.raises(SystemExit) as caught:
        main(['--x'])
    assert caught.value.code == line  # Python prints a text and exits with 1


@pytest.mark.parametrize('error', [ValueError('bug'), OSError('no file'), ConnectionError(104)])
def test_other_errors_keep_their_traceback(error: Exception) -> None:
    @command
    def main(argv: list[str] | None = None) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        main()
    assert caught.value is error


def test_processes_end_whatever_python_does_at_its_end(tmp_path: Path) -> None:
    """As threads of gloo, which abort a process now and then after all is done."""
    meeting = (tmp_path / 'meeting').as_uri()
    code = f"""
import atexit, os, sys
import torch.distributed
from mmdrs.cli.arguments import command

@command
def main(argv=None):
    torch.distributed.init_process_group(
        'gloo', init_method={meeting!r}, rank=int(sys.argv[1]), world_size=2
    )
    atexit.register(os.abort)
    print('done')

main()
"""
    processes = [
        subprocess.Popen(
            [sys.executable, '-c', code, str(rank)], stdout=subprocess.PIPE, text=True
        )
        for rank in (0, 1)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert all(output.splitlines()[-1] == 'done' for output in outputs)


def test_leaves_the_process_group(tmp_path: Path) -> None:
    """After success only: after an error the other processes may be anywhere."""

    @command
    def main(argv: list[str]) -> None:
        torch.distributed.init_process_group(
            'gloo', init_method=(tmp_path / argv[0]).as_uri(), rank=0, world_size=1
        )
        if argv == ['failing']:
            raise InputError('no')

    main(['succeeding'])
    assert not torch.distributed.is_initialized()
    try:
        with pytest.raises(SystemExit):
            main(['failing'])
        assert torch.distributed.is_initialized()
    finally:
        torch.distributed.destroy_process_group()


def test_imports_are_no_garbage() -> None:
    """What is there before the first command is kept, what commands make is collected."""

    @command
    def main(argv: list[str] | None = None) -> None: ...

    gc.unfreeze()
    arguments._keep_imports.cache_clear()
    main()
    kept = gc.get_freeze_count()
    assert kept > 100_000
    made = [[] for _ in range(1000)]
    main()
    assert gc.get_freeze_count() < kept + len(made)


def test_run_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('LOCAL_RANK', '7')
    monkeypatch.delenv('LOCAL_RANK')
    argv = ['--cfg-options', 'a.b=1', 'c=[1,2]', '--launcher', 'pytorch', '--local-rank=3']
    args = parse_run_arguments(command_parser('A tool.'), argv)
    assert args.cfg_options == {'a.b': 1, 'c': [1, 2]} and args.work_dir is None
    assert (args.launcher, os.environ['LOCAL_RANK']) == ('pytorch', '3')
    parse_run_arguments(command_parser('A tool.'), ['--local_rank', '5'])
    assert os.environ['LOCAL_RANK'] == '3'  # a launcher's own value counts
