"""Train a model from its config, with the arguments of MMSegmentation's ``tools/train.py``."""

import argparse
import sys
from collections.abc import Sequence

from mmdrs.apis import InputError, apply_amp, load_config, train_model
from mmdrs.cli.arguments import add_run_arguments, add_settings_argument, export_local_rank


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description='Train a model')
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the newest checkpoint of the work directory, if there is one; from '
        'another one with --cfg-options load_from=FILE',
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    add_settings_argument(parser)
    add_run_arguments(parser)
    args = parser.parse_args(argv)
    export_local_rank(args)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    options = args.cfg_options or {}
    try:
        cfg = load_config(
            *(args.config, options, args.work_dir, args.launcher, args.settings),
            in_place=args.resume,
        )
        if args.amp:
            apply_amp(cfg)
        train_model(cfg, resume=args.resume, resume_from=options.get('load_from'))
    except InputError as error:
        sys.exit(f'error: {error}')
