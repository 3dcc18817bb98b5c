"""All stages in order, from image-level labels to a scored segmentation network.

    mmdrs run settings.py --work-dir run
    mmdrs run settings.py --work-dir run --to drs_maps --cfg-options seed=1

Finished stages are skipped, a stopped one goes on. The results are in WORK_DIR/results.json.
"""

from collections.abc import Sequence

from mmdrs.cli.arguments import command, command_parser, parse_run_arguments
from mmdrs.pipeline import load_settings, run_pipeline


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('config', help='settings file, such as configs/custom/settings_custom.py')
    parser.add_argument('--from', dest='first', metavar='STAGE', help='first stage to run')
    parser.add_argument('--to', dest='last', metavar='STAGE', help='last stage to run')
    parser.add_argument(
        '--again',
        nargs='+',
        default=[],
        metavar='STAGE',
        help='make finished stages anew; the old results are kept under another name',
    )
    options = 'overwrite settings (data_root=DIR), or values of one stage (segmentation.a.b=1)'
    args = parse_run_arguments(parser, argv, options)
    settings = load_settings(args.config, args.cfg_options)
    run_pipeline(settings, args.work_dir, args.first, args.last, args.launcher, args.again)
