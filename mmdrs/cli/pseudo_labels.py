"""Fuse localization maps and a background cue into pseudo labels.

    python tools/make_pseudo_labels.py CONFIG work_dirs/maps work_dirs/labels
    python tools/make_pseudo_labels.py CONFIG work_dirs/classifier/epoch_15.pth work_dirs/labels

The second form makes the maps on the way (at all scales of the config) and stores none of them;
the labels are the same files. Logs and the record of the scores go into OUT/.run unless
``--work-dir`` says where.

CONFIG is that of the network which made the maps: its test data set names the images (and their
saliency maps, and masks to score with). The rules are its ``pseudo_labels``, for instance
``dict(background_cue=dict(type='saliency', threshold=50), threshold=0.2)``; with ``crf=dict()`` in
them the labels go through a dense CRF.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS

from mmdrs.apis import (
    InputError,
    apply_labels,
    load_config,
    make_pseudo_labels,
    start_processes,
    test_model,
)
from mmdrs.cli.arguments import add_run_arguments, add_settings_argument, export_local_rank
from mmdrs.engine import Progress, record_path
from mmdrs.evaluation.records.label_scores import LabelScores
from mmdrs.evaluation.records.record import write_evaluation
from mmdrs.pseudo_labels.rules import LabelRules


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'maps', help='folder of the localization maps, or checkpoint of the network to make them'
    )
    parser.add_argument('out', help='folder of the label PNGs')
    parser.add_argument(
        '--workers', type=int, default=2, help='processes beside this one, for stored maps'
    )
    add_settings_argument(parser)
    add_run_arguments(parser)
    args = parser.parse_args(argv)
    export_local_rank(args)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    try:
        # Not the config's own: a stored config belongs to the run that stored it.
        work_dir = args.work_dir or str(Path(args.out) / '.run')
        cfg = load_config(args.config, args.cfg_options, work_dir, args.launcher, args.settings)
        if Path(args.maps).is_file():
            make_without_maps(cfg, args.maps, args.out)
            return
        if args.launcher != 'none':
            start_processes(args.launcher)
        dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, pipeline=[]))
        images = (dataset.get_data_info(index) for index in range(len(dataset)))
        meta = dataset.metainfo
        rules = LabelRules.from_config(cfg.get('pseudo_labels', {}))
        scores = LabelScores.gather(
            make_pseudo_labels(
                images,
                args.maps,
                args.out,
                rules,
                meta['palette'],
                len(meta['classes']),
                args.workers,
                Progress('pseudo labels'),
            )
        )
    except InputError as error:
        sys.exit(f'error: {error}')
    if scores is not None and is_main_process():
        record = scores.evaluation(cfg, rules, meta['classes'])
        path = record_path(Path(cfg.work_dir), record)
        write_evaluation(path, record)
        evaluated, written = scores.counts.evaluated.miou(), scores.counts.written.miou()
        print(f'mIoU {evaluated:.2f}; with 255 as a miss {written:.2f}; record: {path}')


def make_without_maps(cfg: Config, checkpoint: str, out: str) -> None:
    """Make the labels while the network runs; the same command goes on after a stop."""
    apply_labels(cfg, out)
    scores = test_model(cfg, checkpoint)
    if scores and is_main_process():
        print(f'mIoU {scores["mIoU"]:.2f}; with 255 as a miss {scores["mIoU_written"]:.2f}')
