#!/usr/bin/env python
"""Measure what limits the pseudo labels that the maps of a pipeline run give.

    python tools/analysis_tools/label_limits.py work_dirs/custom --out limits.json

For each stage of maps: the score of the labels by the rules of the settings, and of labels with
one part replaced: by the true foreground, by the true classes, by maps that cover all that is
salient, by the saliency map alone. Then other thresholds and background cues, chosen on the ground
truth, the IoU of each class, and the kinds of errors. Images without masks do not count. Only
data of the work directory are read, never its settings.py.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from limits import find_maps, limits_content, limits_text, measure_limits, sweep_rules
from limits.sweeps import MAP_THRESHOLDS
from mmdrs.cli.arguments import command, command_parser
from mmdrs.errors import naming
from mmdrs.evaluation.records.protocol import split_name
from mmdrs.files import write_json
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.reporting.report.listed_images import MAP_STAGES, list_images
from mmdrs.reporting.report.reported_run import ReportedRun, read_run


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('work_dir', type=Path, help='work directory of tools/pipeline.py')
    parser.add_argument(
        '--maps', nargs='+', choices=MAP_STAGES, default=[], help='stages; default all finished'
    )
    parser.add_argument(
        '--split',
        choices=('val', 'train'),
        help='images of which list; default val where the run has one',
    )
    parser.add_argument('--out', type=Path, metavar='FILE', help='also write the numbers as JSON')
    parser.add_argument(
        '--thresholds',
        nargs='+',
        type=float,
        default=MAP_THRESHOLDS,
        metavar='T',
        help='map thresholds of the sweep, 0..1',
    )
    parser.add_argument(
        '--crf',
        action='store_true',
        help='also labels with a dense CRF, which takes some ten seconds an image and stage',
    )
    parser.add_argument(
        '--by-agreement',
        action='store_true',
        help='also score the pixels where the labels of plain and of DRS maps agree',
    )
    parser.add_argument('--workers', type=int, help="processes; default the settings' num_workers")
    parser.add_argument('--data-root', type=Path, help='the data, if they have been moved')
    return parser.parse_args(argv)


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    run = read_run(args.work_dir)
    with naming(run.path / 'pipeline.json'):
        rules = LabelRules.from_config(run.settings.get('pseudo_labels'))
    listed = list_images(run, args.split, args.data_root)
    stages = find_maps(listed, args.maps, dict([*run.left_out, *listed.left_out]))
    has_saliency = all(image.saliency for image in listed.images)
    sweeps = sweep_rules(rules, has_saliency, args.thresholds, args.crf)
    workers = args.workers
    if workers is None:
        workers = int(run.settings.get('num_workers') or 0)
    found = measure_limits(listed, stages, rules, sweeps, args.by_agreement, workers)
    recorded = recorded_scores(run, listed.name)
    print(f'{len(listed.images)} {listed.name} images of {run.path}\n')
    print(limits_text(found, listed.classes, recorded))
    if args.out:
        content = limits_content(found, listed.classes, recorded)
        write_json(args.out, dict(split=listed.name, rules=rules.to_config(), **content))
        print(f'\nnumbers: {args.out}')


def recorded_scores(run: ReportedRun, split: str) -> dict[str, float]:
    """The mIoU of the labels in the latest records, by stage.

    Args:
        run: The run.
        split: ``train`` or ``val``.
    """
    name, found = split_name(run.datasets[split]), {}
    evaluations = [e for stage in run.stages.values() for e in stage.evaluations]
    for evaluation in sorted(evaluations, key=lambda item: item.provenance['time']):
        if (evaluation.task, evaluation.split) == ('pseudo', name):
            scores = {score.metric: score.value for score in evaluation.scores}
            found[evaluation.stage] = scores['mIoU']
    return found


if __name__ == '__main__':
    main()
