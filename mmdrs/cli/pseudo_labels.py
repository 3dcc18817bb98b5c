"""Fuse localization maps and a background cue into pseudo labels.

    python tools/make_pseudo_labels.py CONFIG work_dirs/maps work_dirs/labels
    python tools/make_pseudo_labels.py CONFIG work_dirs/classifier/epoch_15.pth work_dirs/labels

The second form makes the maps on the way (at all scales of the config) and stores none of them;
the labels are the same files. Logs and the record of the scores go into OUT/.run unless
--work-dir names another directory.

CONFIG is that of the network which made the maps: its test data set names the images (and their
saliency maps, and masks to score with). The rules are its `pseudo_labels`, for instance
dict(background_cue=dict(type='saliency', threshold=50), threshold=0.2); with crf=dict() in them
the labels go through a dense CRF.
"""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmseg.registry import DATASETS

from mmdrs.apis import apply_labels, load_config, make_pseudo_labels, start_processes, test_model
from mmdrs.cli.arguments import (
    add_settings_argument,
    command,
    command_parser,
    parse_run_arguments,
)
from mmdrs.engine import Progress, record_path
from mmdrs.evaluation.records.building import gather_counts, label_evaluation
from mmdrs.evaluation.records.record import write_evaluation
from mmdrs.pseudo_labels.rules import LabelRules


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'maps', help='folder of the localization maps, or checkpoint of the network to make them'
    )
    parser.add_argument('out', help='folder of the label PNGs')
    parser.add_argument(
        '--workers', type=int, default=2, help='processes beside this one, for stored maps'
    )
    add_settings_argument(parser)
    args = parse_run_arguments(parser, argv)
    # Not the config's own: a stored config belongs to the run that stored it.
    work_dir = args.work_dir or str(Path(args.out) / '.run')
    cfg = load_config(args.config, args.cfg_options, work_dir, args.launcher, args.settings)
    if Path(args.maps).is_file():
        apply_labels(cfg, args.out)
        scores = test_model(cfg, args.maps)
        if scores and is_main_process():
            print(_summary(scores['mIoU'], scores['mIoU_written']))
        return
    if args.launcher != 'none':
        start_processes(args.launcher)
    fuse_stored_maps(cfg, args.maps, args.out, args.workers)


def fuse_stored_maps(cfg: Config, maps: str, out: str, workers: int) -> None:
    """Make labels of stored maps; with masks, write the record of their scores and print them."""
    dataset = DATASETS.build(dict(cfg.test_dataloader.dataset, pipeline=[]))
    images = (dataset.get_data_info(index) for index in range(len(dataset)))
    palette, classes = dataset.metainfo['palette'], dataset.metainfo['classes']
    rules = LabelRules.from_config(cfg.get('pseudo_labels', {}))
    progress = Progress('pseudo labels')
    counts = gather_counts(
        make_pseudo_labels(images, maps, out, rules, palette, len(classes), workers, progress)
    )
    if counts is not None and is_main_process():
        record = label_evaluation(cfg, counts, rules, classes)
        path = record_path(Path(cfg.work_dir), record)
        write_evaluation(path, record)
        print(f'{_summary(counts.evaluated.miou(), counts.written.miou())}; record: {path}')


def _summary(miou: float, written: float) -> str:
    return f'mIoU {miou:.2f}; with 255 as a miss {written:.2f}'
