"""The arguments which the command-line tools have in common."""

import argparse
import os

from mmengine.config import DictAction


def add_run_arguments(parser: argparse.ArgumentParser, options_help: str | None = None) -> None:
    """Add ``--work-dir``, ``--cfg-options`` and ``--launcher``, MMSegmentation's.

    Args:
        parser: The parser of a tool.
        options_help: What ``--cfg-options`` overwrites, if not values of the config.
    """
    parser.add_argument('--work-dir', help='directory of logs and results')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help=options_help or 'overwrite values of the config: a.b=1, a.b="[1,2]", a.0.b=text',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    # torch.distributed.launch hands the number of a process over as an argument.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def add_settings_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--settings``."""
    parser.add_argument('--settings', help='settings file for a config of configs/custom')


def export_local_rank(args: argparse.Namespace) -> None:
    """Put ``--local_rank`` where MMEngine looks for it."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
