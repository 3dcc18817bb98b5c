#!/usr/bin/env python
"""Compare controls and layers of DRS, over several seeds, with the classifier without it.

    python tools/analysis_tools/ablate.py configs/shapes/settings_shapes.py \\
        --work-dir work_dirs/ablation --deltas 0.3 0.55 0.8 --learnable
    python tools/analysis_tools/ablate.py configs/custom/settings_custom.py \\
        --work-dir work_dirs/ablation --deltas 0.5 0.8 \\
        --layers late='layer7.*activate' mid='[layer[56].*activate]' --variants variants.yml

Runs the pipeline up to the maps for every variant and seed. The stages without DRS are made once
for a seed. The same command goes on after a stop; finished runs are skipped. The results are
WORK_DIR/ablation.md, ablation.json and plots.

A file of variants holds the options of each, those of `tools/pipeline.py --cfg-options`:

    slow: {drs_classifier.optim_wrapper.optimizer.lr: 1e-3}
    late: {drs_layers: ['layer7.*activate'], drs.in_eval: false}
    by-layer: {drs_layers: {'layer6.*activate': {delta: 0.8}, 'layer7.*activate': {}}}
    warm-up:
      drs_classifier.custom_hooks: [{type: DRSScheduleHook, warmup_iters: 500}]

One that also changes the stages without DRS, such as {classifier_optimizer: {lr: 1e-2}}, gets a
plain classifier of its own and is compared with that.
"""

import argparse
from collections.abc import Sequence

from ablation import read_variants, run_ablation, sweep
from mmdrs.cli.arguments import command, command_parser, parse_run_arguments
from mmdrs.cli.options import OptionsAction
from mmdrs.pipeline import load_settings


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('config', help='settings file, such as configs/custom/settings_custom.py')
    parser.add_argument(
        '--deltas', nargs='+', type=float, default=[], metavar='D', help='constant controls'
    )
    parser.add_argument('--learnable', action='store_true', help='also the learned control')
    parser.add_argument(
        '--layers',
        nargs='+',
        action=OptionsAction,
        metavar='NAME=[REGEX,...]',
        help="groups of the backbone's layers, each with every control (drs_layers.py lists "
        "layers); default the settings' own",
    )
    parser.add_argument('--variants', metavar='FILE', help='YAML or JSON file of more variants')
    parser.add_argument('--seeds', nargs='+', type=int, default=[0, 1, 2], help='default 0 1 2')
    options = 'overwrite settings in all runs (data_root=DIR), or values of stages'
    args = parse_run_arguments(parser, argv, options)
    if not args.work_dir:
        parser.error('--work-dir is required')
    return args


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    settings = load_settings(args.config, args.cfg_options)
    variants = sweep(settings, args.deltas, args.learnable, args.layers)
    variants += read_variants(args.variants) if args.variants else []
    run_ablation(args.config, args.cfg_options, variants, args.seeds, args.work_dir, args.launcher)


if __name__ == '__main__':
    main()
