"""Train a model, with the arguments of MMSegmentation's tools/train.py."""

from collections.abc import Sequence

from mmdrs.apis import apply_amp, load_config, require_network, train_model
from mmdrs.cli.arguments import command, config_parser, parse_run_arguments


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = config_parser(__doc__)
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the newest checkpoint of the work directory, if there is one; from '
        'another one with --cfg-options load_from=FILE',
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    args = parse_run_arguments(parser, argv)
    options = args.cfg_options or {}
    cfg = load_config(
        args.config,
        options,
        args.work_dir,
        args.launcher,
        args.settings,
        in_place=args.resume,
    )
    require_network(cfg)
    if args.amp:
        apply_amp(cfg)
    train_model(cfg, resume=args.resume, resume_from=options.get('load_from'))
