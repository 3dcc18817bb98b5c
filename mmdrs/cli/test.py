"""Test (and evaluate) a model, with the arguments of MMSegmentation's tools/test.py."""

from collections.abc import Sequence

from mmengine.dist import is_main_process

from mmdrs.apis import apply_output, apply_show, apply_tta, load_config, require_network
from mmdrs.apis.test import Tested, run_test
from mmdrs.cli.arguments import command, config_parser, parse_run_arguments


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = config_parser(__doc__)
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', help='directory in which predictions are written as PNG')
    parser.add_argument('--show', action='store_true', help='show painted predictions')
    parser.add_argument('--show-dir', help='directory in which painted predictions are saved')
    parser.add_argument(
        '--wait-time', type=float, default=2, help='seconds that --show shows an image'
    )
    parser.add_argument('--tta', action='store_true', help='test-time augmentation')
    args = parse_run_arguments(parser, argv)
    cfg = load_config(args.config, args.cfg_options, args.work_dir, args.launcher, args.settings)
    require_network(cfg)
    if args.show or args.show_dir:
        apply_show(cfg, args.show, args.show_dir, args.wait_time)
    if args.tta:
        apply_tta(cfg)
    if args.out is not None:
        apply_output(cfg, args.out)
    tested = run_test(cfg, args.checkpoint)
    if is_main_process():
        print(_summary(tested, args.out))


def _summary(tested: Tested, out_dir: str | None) -> str:
    """Scores, records and predictions, a line each; a config of the pipeline logs none of them."""
    lines = [f'{name}: {value:.2f}' for name, value in tested.scores.items()]
    lines += [f'record: {path}' for path in tested.records]
    lines += [f'predictions: {out_dir}'] if out_dir else []
    return '\n'.join(lines or ['nothing was scored: there are no masks'])
