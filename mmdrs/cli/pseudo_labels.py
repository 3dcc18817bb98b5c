"""Fuse localization maps and a background cue into pseudo labels.

    python tools/make_pseudo_labels.py CONFIG work_dirs/maps work_dirs/labels
    python tools/make_pseudo_labels.py CONFIG work_dirs/classifier/epoch_15.pth work_dirs/labels

The second form makes the maps on the way (at all scales of the config) and stores none of them;
the labels are the same files. Logs and the record of the scores go into OUT/.run unless
--work-dir names another directory.

CONFIG is that of the network which made the maps: its test data set names the images (and their
saliency maps, and masks to score with). The rules are its `pseudo_labels`, for instance
dict(background_cue=dict(type='saliency', threshold=50, source='CSNet'), threshold=0.2), where
`source` says what made the saliency maps; with crf=dict() in them the labels go through a dense
CRF.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.dist import is_main_process

from mmdrs.apis import (
    apply_labels,
    label_dataset,
    load_config,
    require_network,
    start_processes,
    test_model,
)
from mmdrs.cli.arguments import command, config_parser, parse_run_arguments
from mmdrs.datasets.wrappers import leaf_datasets
from mmdrs.engine import record_path
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.saliency_source import with_source


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = config_parser(__doc__)
    parser.add_argument(
        'maps', help='folder of the localization maps, or checkpoint of the network to make them'
    )
    parser.add_argument('out', help='folder of the label PNGs')
    parser.add_argument(
        '--workers', type=int, default=2, help='processes beside this one, for stored maps'
    )
    args = parse_run_arguments(parser, argv)
    # Not the config's own: a stored config belongs to the run that stored it.
    work_dir = args.work_dir or str(Path(args.out) / '.run')
    cfg = load_config(args.config, args.cfg_options, work_dir, args.launcher, args.settings)
    require_network(cfg)
    if Path(args.maps).is_file():
        apply_labels(cfg, args.out)
        scores = test_model(cfg, args.maps)
        if scores and is_main_process():
            print(_summary(scores))
        return
    if args.launcher != 'none':
        start_processes(args.launcher)
    dataset = leaf_datasets(cfg.test_dataloader.dataset)[0]
    rules = LabelRules.from_config(with_source(cfg.get('pseudo_labels', {}), dataset))
    record = label_dataset(cfg, args.maps, args.out, rules, args.workers)
    if record is not None:
        summary = _summary({score.metric: score.value for score in record.scores})
        print(f'{summary}; record: {record_path(Path(work_dir), record)}')


def _summary(scores: Mapping[str, float]) -> str:
    return (
        f'mIoU {scores["mIoU"]:.2f}; with 255 as a miss {scores["mIoU_written"]:.2f}; of the '
        f'{scores["kept"]:.1f} % of the pixels that are kept {scores["mIoU_kept"]:.2f}'
    )
