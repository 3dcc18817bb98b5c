"""Score label or map files of any method against masks.

    mmdrs score labels --masks VOC2012/SegmentationClass --list val.txt --dataset voc12
    mmdrs score maps --masks masks --classes background cat dog --saliency saliency --source CSNet

FOLDER holds, for each image, one of: <id>.png, a label (0 background, class + 1, 255 ignored);
<id>.npz, maps of mmdrs; <id>.npy, maps as IRN, SEAM and their successors save them (nothing in
them is run); or <id>_<class>.png, one grey map a class, as WSSS-BED publishes them.

Maps are scored by thresholds alone; with --saliency also the labels that they give with saliency
maps: a map below the threshold is 0, the background is 1 where the saliency is at most
--saliency-threshold (WSSS-BED: 51), and the largest wins. What is best on the masks is marked so.
The record in WORK_DIR/results is one that mmdrs leaderboard takes.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mmseg.datasets import PascalVOCDataset

from mmdrs.apis.score import (
    KINDS,
    ScoredFolder,
    detect_kind,
    score_fused,
    score_labels,
    score_maps,
)
from mmdrs.cli.arguments import command, command_parser
from mmdrs.datasets.label_lists import read_id_list
from mmdrs.engine import record_path
from mmdrs.errors import InputError, MissingFileError
from mmdrs.evaluation.functional.scores import FusedCounts
from mmdrs.evaluation.records.protocol import split_name
from mmdrs.evaluation.records.record import Evaluation, write_evaluation
from mmdrs.evaluation.records.table import render_table
from mmdrs.pseudo_labels.constants import MAP_THRESHOLD, SALIENCY_THRESHOLD
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.rules import LabelRules

#: Data sets whose classes are known by name: their name in records, and their classes.
DATASETS = {'voc12': ('VOC 2012', PascalVOCDataset.METAINFO['classes'])}
THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = _parser().parse_args(argv)
    scored = _scored_folder(args)
    work_dir = args.work_dir or Path('work_dirs') / scored.name
    if scored.kind == 'labels':
        _conclude(work_dir, scored, score_labels(scored, args.task))
        return
    evaluation, found = score_maps(scored, args.threshold)
    _conclude(work_dir, scored, evaluation)
    print(f'best threshold on these masks: {found.swept_threshold:.2f}')
    if args.saliency:
        cue = BackgroundCue(threshold=args.saliency_threshold, source=args.source)
        rules = LabelRules(background_cue=cue, threshold=args.threshold)
        evaluation, counts = score_fused(scored, rules, args.thresholds)
        print('\nLabels with saliency:')
        print('\n'.join(_sweep(counts)))
        _conclude(work_dir, scored, evaluation)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser(__doc__)
    parser.add_argument('folder', type=Path, help='folder of the labels or maps')
    parser.add_argument('--masks', type=Path, required=True, help='folder of the masks <id>.png')
    parser.add_argument(
        '--list', type=Path, help='list of the images to score (.txt, .csv); else all masks'
    )
    parser.add_argument(
        '--dataset', help=f'{", ".join(DATASETS)}, whose classes are known, or a name for records'
    )
    parser.add_argument('--classes', nargs='+', metavar='NAME', help='classes, background first')
    parser.add_argument('--kind', choices=KINDS, help='what FOLDER holds; else by its files')
    parser.add_argument(
        '--task',
        choices=('pseudo', 'seg'),
        default='pseudo',
        help='of labels: pseudo labels, or predictions of a segmentation network',
    )
    parser.add_argument(
        '--threshold', type=float, default=MAP_THRESHOLD, help='of maps, 0..1, in the record'
    )
    parser.add_argument(
        '--thresholds',
        nargs='+',
        type=float,
        default=THRESHOLDS,
        metavar='T',
        help='further ones for labels with saliency',
    )
    parser.add_argument('--saliency', type=Path, help='folder of saliency maps <id>.png, 0..255')
    parser.add_argument(
        '--saliency-threshold', type=float, default=SALIENCY_THRESHOLD, help='0..255'
    )
    parser.add_argument('--source', default='', help='what made the saliency maps, for the record')
    parser.add_argument('--name', help='of the method, for the record; else that of FOLDER')
    parser.add_argument('--work-dir', type=Path, help='for the record; else work_dirs/NAME')
    parser.add_argument('--workers', type=int, default=0, help='processes beside this one')
    return parser


def _scored_folder(args: argparse.Namespace) -> ScoredFolder:
    """What the arguments say, checked.

    Raises:
        InputError: If a folder is missing or empty, or the classes are not known.
    """
    for folder in (args.folder, args.masks, args.saliency):
        if folder is not None and not folder.is_dir():
            raise MissingFileError(f'there is no folder {folder}')
    dataset, classes = DATASETS.get(args.dataset, (args.dataset, None))
    if args.classes:
        classes = args.classes
    if not classes or len(classes) < 2:
        raise InputError('--classes: name the classes, background first, or give --dataset voc12')
    if args.list:
        ids = [image.id for image in read_id_list(args.list)]
    else:
        found = sorted(args.masks.rglob('*.png'))
        ids = [path.relative_to(args.masks).with_suffix('').as_posix() for path in found]
    if not ids:
        raise InputError(f'{args.masks} holds no mask <id>.png')
    return ScoredFolder(
        folder=args.folder,
        kind=args.kind or detect_kind(args.folder, ids),
        ids=ids,
        masks=args.masks,
        classes=tuple(classes),
        dataset=dataset or args.masks.resolve().parent.name,
        split=split_name(dict(ann_file=str(args.list))) if args.list else args.masks.name,
        name=args.name or args.folder.resolve().name,
        list_file=args.list,
        saliency=args.saliency,
        workers=args.workers,
    )


def _conclude(work_dir: Path, scored: ScoredFolder, evaluation: Evaluation) -> None:
    """Print the scores, write the record, and say where it is."""
    print('\n'.join(_tables(evaluation)))
    path = record_path(work_dir, evaluation)
    write_evaluation(path, evaluation)
    print(f'{scored.kind} of {evaluation.images} images; record: {path}')


def _tables(evaluation: Evaluation) -> Iterator[str]:
    """The scores with their protocols, and the IoU of each class."""
    rows = [(s.metric, f'{s.value:.2f}', str(s.protocol)) for s in evaluation.scores]
    yield render_table(['score', '%', 'protocol'], rows, left=1)
    by_class = {s.metric: s.per_class for s in evaluation.scores if s.per_class}
    names = next(iter(by_class.values()))
    cells = [[name, *(_shown(values[name]) for values in by_class.values())] for name in names]
    yield render_table(['IoU of class', *by_class], cells, left=1)


def _shown(value: float | None) -> str:
    return '' if value is None else f'{value:.2f}'


def _sweep(counts: Mapping[float, FusedCounts]) -> Iterator[str]:
    best = max(counts, key=lambda threshold: counts[threshold].evaluated.miou())
    for threshold, found in counts.items():
        mark = '  best on these masks' if threshold == best else ''
        yield f'  map threshold {threshold:<4g}  mIoU {found.evaluated.miou():.2f}{mark}'
