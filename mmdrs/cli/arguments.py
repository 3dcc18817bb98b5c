"""What the command-line tools have in common: arguments, and errors in one line."""

import argparse
import errno
import functools
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence

import torch.distributed as torch_dist

from mmdrs.cli.options import OptionsAction
from mmdrs.errors import InputError

Main = Callable[[Sequence[str] | None], None]


def command(main: Main) -> Main:
    """Decorate a command: it reports errors that the user can mend in one line and exits with 1.

    These are ``InputError``, and an ``OSError`` that names a file or is of a full disk. Others
    keep their traceback. One that has succeeded leaves the process group of a distributed run.
    """

    @functools.wraps(main)
    def run(argv: Sequence[str] | None = None) -> None:
        _keep_imports()
        try:
            main(argv)
            _leave_processes()
        except InputError as error:
            sys.exit(f'error: {error}')
        except OSError as error:
            if error.filename is None and error.errno != errno.ENOSPC:
                raise
            sys.exit(f'error: {error}')

    return run


@functools.cache
def _keep_imports() -> None:
    """Take what the imports have made, a million objects, out of every garbage collection.

    Each data set of MMEngine starts one, which takes a quarter of a second otherwise.
    """
    gc.freeze()


def _leave_processes() -> None:
    """Leave the process group when all processes have got here; one of several ends here.

    Threads of gloo may abort a process while Python ends (`terminate called`), now and then also
    after it has left the group. The launcher would call a run failed that has written everything.
    """
    if not torch_dist.is_initialized():
        return
    several = torch_dist.get_world_size() > 1
    torch_dist.barrier()
    torch_dist.destroy_process_group()
    if several:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def command_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser whose help shows the description as it is, usually the docstring of a tool.

    It also shows the default of each argument that has one.
    """
    return argparse.ArgumentParser(description=description, formatter_class=_HelpFormatter)


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    def _get_help_string(self, action: argparse.Action) -> str:
        text = action.help or ''
        if action.default in (None, False, []) or action.default is argparse.SUPPRESS:
            return text
        return f'{text} (default: %(default)s)' if action.option_strings else text


def config_parser(description: str | None) -> argparse.ArgumentParser:
    """A :func:`command_parser` with the config and ``--settings``."""
    parser = command_parser(description)
    parser.add_argument('config', help='config file, or mmseg::FOLDER/NAME.py')
    parser.add_argument('--settings', help='settings file to apply to the config')
    return parser


def parse_run_arguments(
    parser: argparse.ArgumentParser,
    argv: Sequence[str] | None,
    options_help: str = 'overwrite values of the config',
) -> argparse.Namespace:
    """Add MMSegmentation's arguments of a run and parse the command line.

    They are ``--work-dir``, ``--cfg-options``, ``--launcher`` and ``--local_rank``, which MMEngine
    reads in the environment.

    Args:
        parser: With the other arguments.
        argv: The command line; None is that of this process.
        options_help: What ``--cfg-options`` overwrites.
    """
    parser.add_argument('--work-dir', help='directory of logs and results')
    add_options_argument(parser, options_help)
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    # torch.distributed.launch passes the number of a process as an argument.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def add_options_argument(
    parser: argparse.ArgumentParser, help_text: str = 'overwrite values of the config'
) -> None:
    """Add ``--cfg-options``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        metavar='KEY=VALUE',
        help=f'{help_text}: a.b=1, a.b="[1,2]", a.0.b=text',
    )
