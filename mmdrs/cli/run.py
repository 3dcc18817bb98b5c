"""All stages in order, from image-level labels to a scored segmentation network.

Finished stages are skipped, a stopped one goes on. The results are in WORK_DIR/results.json.
"""

import argparse
import sys
from collections.abc import Sequence

from mmdrs.apis import InputError
from mmdrs.cli.arguments import add_run_arguments, export_local_rank
from mmdrs.pipeline import load_settings, run_pipeline


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='settings file, such as configs/custom/settings_custom.py')
    parser.add_argument('--from', dest='first', metavar='STAGE', help='first stage to run')
    parser.add_argument('--to', dest='last', metavar='STAGE', help='last stage to run')
    add_run_arguments(
        parser, 'overwrite settings (data_root=DIR), or values of one stage (segmentation.a.b=1)'
    )
    args = parser.parse_args(argv)
    export_local_rank(args)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    try:
        settings = load_settings(args.config, args.cfg_options)
        run_pipeline(settings, args.work_dir, args.first, args.last, args.launcher)
    except InputError as error:
        sys.exit(f'error: {error}')
