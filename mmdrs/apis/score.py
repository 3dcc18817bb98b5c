"""Scores of label or map files of any method against masks, without a network or a config."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, cast, get_args

from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress
from mmdrs.errors import InputError, MissingFileError, naming
from mmdrs.evaluation.functional.scores import (
    FusedCounts,
    LabelCounts,
    MapCounts,
    MapScores,
    count_maps,
)
from mmdrs.evaluation.records.protocol import describe_merging, label_protocols
from mmdrs.evaluation.records.provenance import provenance
from mmdrs.evaluation.records.record import Evaluation, Protocol, Score, Task, per_class
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.constants import MAP_THRESHOLD
from mmdrs.pseudo_labels.foreign_maps import (
    ClassMaps,
    find_class_pngs,
    read_class_pngs,
    read_npy_maps,
)
from mmdrs.pseudo_labels.image_file import read_saliency
from mmdrs.pseudo_labels.label_file import read_label, read_label_record
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments import SegmentMerging

#: What a folder holds: label PNGs, map files of mmdrs, ``.npy`` files, or one PNG a class.
Kind = Literal['labels', 'maps', 'npy', 'class-pngs']
KINDS: tuple[Kind, ...] = get_args(Kind)
_SUFFIXES: dict[Kind, str] = {'labels': '.png', 'maps': '.npz', 'npy': '.npy'}
Counts = TypeVar('Counts')


@dataclass(frozen=True)
class ScoredFolder:
    """A folder of predictions, and what they are compared with.

    Attributes:
        folder: The label or map files, named after the images.
        kind: What they are.
        ids: The images that are scored.
        masks: Folder of the masks ``<id>.png``: 0 background, class + 1, 255 not counted.
        classes: Class names, background first.
        dataset: Name of the data set in records.
        split: Name of the list of the images.
        list_file: That list; None where all masks are scored.
        name: Name of the method in records.
        saliency: Folder of the saliency maps ``<id>.png``; None without.
        workers: Processes, see :func:`~mmdrs.apis.ordered_map`.
    """

    folder: Path
    kind: Kind
    ids: Sequence[str]
    masks: Path
    classes: Sequence[str]
    dataset: str
    split: str
    name: str
    list_file: Path | None = None
    saliency: Path | None = None
    workers: int = 0


class _Job(NamedTuple):
    """An image: its files (by class where there is one for each), mask and saliency map."""

    files: Path | Mapping[int, Path]
    mask: Path
    saliency: Path | None


def detect_kind(folder: Path, ids: Sequence[str]) -> Kind:
    """What a folder holds, by the files of its images.

    Raises:
        InputError: If there is no such folder, or it holds files of none of the images, or of
            several kinds.
    """
    if not folder.is_dir():
        raise MissingFileError(f'there is no folder {folder}')
    found: list[Kind] = [
        kind
        for kind, suffix in _SUFFIXES.items()
        if any((folder / f'{name}{suffix}').is_file() for name in ids)
    ]
    wanted = set(ids)
    if any(path.stem.rpartition('_')[0] in wanted for path in folder.glob('*_*.png')):
        found.append('class-pngs')
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            f'{folder} holds no file of the images that are scored, such as {ids[0]}.png (a '
            'label), .npz or .npy (maps), or <id>_<class>.png (a map)'
        )
    raise InputError(f'{folder} holds {" and ".join(found)}; say which to score with --kind')


def score_labels(scored: ScoredFolder, task: Task = 'pseudo') -> Evaluation:
    """Score label PNGs.

    ``mIoU_written`` counts 255 in a label as a miss; ``mIoU_kept`` leaves these pixels out, and
    ``kept`` is the share of the others. ``mIoU`` is there where no pixel is 255; for ``seg`` it is
    the only score, and 255 is a miss.

    Args:
        scored: The folder, of kind ``labels``.
        task: ``pseudo`` for pseudo labels, ``seg`` for predictions of a segmentation network.

    Raises:
        InputError: If a file is missing, damaged, or does not fit its mask; names it.
    """
    total = reduce(add, _counted(partial(_count_label, len(scored.classes)), scored))
    base = Protocol(merging=_merging(scored) if task == 'pseudo' else '')
    forms, missed = total.forms(), replace(base, ignored='count as misses')
    kept = replace(base, ignored='left out')
    protocols = dict(mIoU=missed, mIoU_written=missed, mIoU_kept=kept)
    if task == 'seg':
        forms = dict(mIoU=forms['mIoU_written'])
    elif total.share_kept() < 100:
        del forms['mIoU']  # the files do not say what the ignored pixels were
    scores = [_score(scored, name, counts, protocols[name]) for name, counts in forms.items()]
    if task == 'pseudo':
        scores.append(Score('kept', round(total.share_kept(), 2), protocols['mIoU_kept'], {}))
    return _evaluation(scored, task, scores, {})


def _merging(scored: ScoredFolder) -> str:
    """What was merged into labels of this package, by the record of the first."""
    path = scored.folder / f'{scored.ids[0]}.png'
    record = read_label_record(path) or {}
    rules = record.get('rules')
    merge = record.get('merge', rules.get('merge') if isinstance(rules, Mapping) else None)
    with naming(f'record of {path}'):
        merging = SegmentMerging.from_config(merge)
    return describe_merging(merging and asdict(merging))


def score_maps(
    scored: ScoredFolder,
    threshold: float = MAP_THRESHOLD,
    coverage_threshold: float = MAP_THRESHOLD,
) -> tuple[Evaluation, MapScores]:
    """Score maps without a cue: a pixel is foreground where its largest map reaches a threshold.

    Args:
        scored: The folder, of any kind but ``labels``. Its maps are resized to the masks.
        threshold: The fixed threshold, 0..1. The best of 256 is scored as well.
        coverage_threshold: A pixel of an object is covered where its map exceeds this.

    Returns:
        The record, and all scores, with the curve over the thresholds.

    Raises:
        InputError: As :func:`score_labels`.
    """
    count = partial(_count_maps, len(scored.classes), coverage_threshold)
    total: MapCounts = reduce(add, _counted(count, scored))
    found = total.scores(threshold)
    coverage = Protocol(threshold=f'fixed {coverage_threshold:g}')
    rows = [
        ('mIoU_fixed', found.fixed, Protocol(threshold=f'fixed {threshold:g}'), found.fixed_iou),
        ('mIoU_swept', found.swept, Protocol(threshold='swept on ground truth'), found.swept_iou),
        ('coverage', found.coverage, coverage, None),
        ('precision', found.precision, coverage, None),
    ]
    scores = [
        Score(
            name,
            round(value, 2),
            protocol,
            {} if iou is None else per_class(scored.classes, iou.tolist()),
        )
        for name, value, protocol, iou in rows
    ]
    settings = dict(threshold=threshold, coverage_threshold=coverage_threshold)
    return _evaluation(scored, 'seed', scores, settings), found


def score_fused(
    scored: ScoredFolder, rules: LabelRules, thresholds: Sequence[float] = ()
) -> tuple[Evaluation, dict[float, FusedCounts]]:
    """Score the pseudo labels that maps and a background cue give.

    Args:
        scored: The folder, of any kind but ``labels``, with saliency maps if the cue needs them.
        rules: The rules, without a CRF.
        thresholds: Further map thresholds, 0..1.

    Returns:
        The record, with the scores by the rules and ``mIoU_swept``, that of the threshold that is
        best on these masks; and the counts by threshold, ascending.

    Raises:
        InputError: As :func:`score_labels`.
    """
    levels = sorted({*thresholds, rules.threshold})
    swept = [replace(rules, threshold=level) for level in levels]
    totals = reduce(_add_each, _counted(partial(_count_fused, len(scored.classes), swept), scored))
    counts = dict(zip(levels, totals, strict=True))
    special = label_protocols(rules.to_config())
    own = counts[rules.threshold].forms()
    scores = [_score(scored, n, own[n], Protocol(**special[n])) for n in own]
    best = max(levels, key=lambda level: counts[level].evaluated.miou())
    protocol = replace(Protocol(**special['mIoU']), threshold='swept on ground truth')
    scores.append(_score(scored, 'mIoU_swept', counts[best].evaluated, protocol))
    return _evaluation(scored, 'pseudo', scores, dict(rules=rules.to_config())), counts


def _add_each(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    return [first + second for first, second in zip(left, right, strict=True)]


def _counted(count: Callable[[_Job], Counts], scored: ScoredFolder) -> Iterable[Counts]:
    """The counts of all images, with progress lines."""
    jobs = _jobs(scored)
    progress = Progress(f'score {scored.folder}')
    for done, counts in enumerate(ordered_map(count, jobs, scored.workers, 8), 1):
        progress.step(done, len(jobs))
        yield counts


def _jobs(scored: ScoredFolder) -> list[_Job]:
    """The files of all images.

    Raises:
        MissingFileError: If any is missing; names the first, and says how many.
    """
    files: dict[str, Any] = {}
    if scored.kind == 'class-pngs':
        files = find_class_pngs(scored.folder, scored.classes)
        missing = [name for name in scored.ids if name not in files]
        _check_missing(missing, scored, scored.folder, '_<class>.png')
    else:
        suffix = _SUFFIXES[scored.kind]
        files = {name: scored.folder / f'{name}{suffix}' for name in scored.ids}
        missing = [name for name, path in files.items() if not path.is_file()]
        _check_missing(missing, scored, scored.folder, suffix)
    folders = [folder for folder in (scored.masks, scored.saliency) if folder]
    for folder in folders:
        missing = [name for name in scored.ids if not (folder / f'{name}.png').is_file()]
        _check_missing(missing, scored, folder, '.png')
    return [
        _Job(
            files[name],
            scored.masks / f'{name}.png',
            scored.saliency / f'{name}.png' if scored.saliency else None,
        )
        for name in scored.ids
    ]


def _check_missing(missing: Sequence[str], scored: ScoredFolder, folder: Path, end: str) -> None:
    if missing:
        raise MissingFileError(
            f'{folder}: {len(missing)} of {len(scored.ids)} files are missing, the first is '
            f'{missing[0]}{end}; to score fewer images, give --list a list of them'
        )


def _read_maps(files: Path | Mapping[int, Path], num_classes: int) -> ClassMaps:
    if not isinstance(files, Path):
        return read_class_pngs(files)
    if files.suffix == '.npy':
        return read_npy_maps(files, num_classes)
    stored = read_maps(files)
    return ClassMaps(stored.labels, stored.floats())


def _count_label(num_classes: int, job: _Job) -> FusedCounts:
    file = cast(Path, job.files)  # one for all classes
    label = read_label(file)
    with naming(file):
        return FusedCounts.of((label, label), read_label(job.mask), num_classes)


def _count_maps(num_classes: int, coverage_threshold: float, job: _Job) -> MapCounts:
    labels, maps = _read_maps(job.files, num_classes)
    actual = read_label(job.mask)
    with naming(job.mask):
        resized = resize_array(maps, actual.shape)
        return count_maps(resized, labels, actual, num_classes, coverage_threshold)


def _count_fused(num_classes: int, rules: Sequence[LabelRules], job: _Job) -> list[FusedCounts]:
    labels, maps = _read_maps(job.files, num_classes)
    actual = read_label(job.mask)
    saliency = read_saliency(job.saliency, actual.shape) if job.saliency else None
    with naming(job.mask):
        resized = resize_array(maps, actual.shape)
        return [
            FusedCounts.of(
                item.fuse(resized, labels, actual.shape, saliency, ''), actual, num_classes
            )
            for item in rules
        ]


def _score(scored: ScoredFolder, name: str, counts: LabelCounts, protocol: Protocol) -> Score:
    by_class = per_class(scored.classes, (100 * counts.iou()).tolist())
    return Score(name, round(counts.miou(), 2), protocol, by_class)


def _evaluation(
    scored: ScoredFolder, task: Task, scores: Sequence[Score], settings: Mapping[str, Any]
) -> Evaluation:
    """The record; ``settings`` is what else, besides the protocol, tells two runs apart."""
    config = dict(kind=scored.kind, classes=[*scored.classes], **settings)
    return Evaluation(
        task=task,
        dataset=scored.dataset,
        split=scored.split,
        images=len(scored.ids),
        model=scored.name,
        stage='',
        seed=None,
        scores=scores,
        provenance=provenance(config, scored.list_file, None),
    )
