#!/usr/bin/env python
"""Train a model from its config, with the arguments of MMSegmentation's ``tools/train.py``."""

import argparse
import os
import sys
from collections.abc import Sequence

from mmengine.config import DictAction

from mmdrs.apis import InputError, apply_amp, load_config, train_model


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument('--settings', help='settings file for a config of configs/custom')
    parser.add_argument('--work-dir', help='directory of logs and checkpoints')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the newest checkpoint of the work directory, if there is one; from '
        'another one with --cfg-options load_from=FILE',
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='overwrite values of the config: a.b=1, a.b="[1,2]", a.0.b=text',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed training',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args(argv)
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    options = args.cfg_options or {}
    try:
        cfg = load_config(args.config, options, args.work_dir, args.launcher, args.settings)
        if args.amp:
            apply_amp(cfg)
        train_model(cfg, resume=args.resume, resume_from=options.get('load_from'))
    except InputError as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
