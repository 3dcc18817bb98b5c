#!/usr/bin/env python
"""All stages in order, from image-level labels to a scored segmentation network.

Finished stages are skipped, a stopped one goes on. The results are in WORK_DIR/results.json.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from mmengine.config import DictAction

from mmdrs.apis import InputError
from mmdrs.pipeline import load_settings, run_pipeline


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='settings file, such as configs/custom/settings_custom.py')
    parser.add_argument('--work-dir', help='where everything goes')
    parser.add_argument('--from', dest='first', metavar='STAGE', help='first stage to run')
    parser.add_argument('--to', dest='last', metavar='STAGE', help='last stage to run')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='overwrite settings (data_root=DIR), or values of one stage (segmentation.a.b=1)',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed run',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    try:
        settings = load_settings(args.config, args.cfg_options)
        run_pipeline(settings, args.work_dir, args.first, args.last, args.launcher)
    except InputError as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
