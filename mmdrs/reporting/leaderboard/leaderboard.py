"""Our records of evaluations: collected, averaged over seeds, ranked among published figures."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, Task, read_evaluation


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        task: ``seed``, ``pseudo`` or ``seg``.
        dataset: Name of the data set.
        split: The list that was scored.
        metric: What was measured.
        model: Our config, with the stage where several share one; or a published method.
        value: Percent; the mean over the seeds.
        spread: Sample standard deviation over the seeds; None for one seed.
        seeds: The seeds, empty for a published figure.
        protocol: How the figure was made, in words.
        per_class: Mean over the seeds of the IoU by class, percent; None for a class that does
            not occur.
        source: Work directories, or where the figure was published.
        published: Whether it is not ours.
    """

    task: Task
    dataset: str
    split: str
    metric: str
    model: str
    value: float
    spread: float | None
    seeds: tuple[int | None, ...]
    protocol: str
    per_class: Mapping[str, float | None]
    source: str
    published: bool = False


@dataclass
class Collection:
    """What was found in work directories.

    Attributes:
        evaluations: Records with the work directory of each.
        left_out: What was not used, with the reason.
    """

    evaluations: list[tuple[Path, Evaluation]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def collect(work_dirs: Sequence[Path], dataset: str | None = None) -> Collection:
    """Read the records below work directories.

    What does not belong together is left out with a reason, never averaged in: unfinished
    stages, results of a renamed (outdated) stage, other data sets, other numbers of classes.

    Args:
        work_dirs: Work directories of tools/test.py or of the pipeline.
        dataset: The data set to show; default that of the first record.

    Raises:
        ValueError: If a directory does not exist, or nothing usable is found.
    """
    found = Collection()
    for work_dir in work_dirs:
        if not work_dir.is_dir():
            raise InputError(f'{work_dir} is no directory')
        _collect_one(work_dir, found)
    if not found.evaluations:
        reasons = ''.join(f'\n  {line}' for line in found.left_out)
        raise InputError(f'no finished evaluation in the given directories{reasons}')
    known = list(dict.fromkeys(e.dataset for _, e in found.evaluations))
    wanted = dataset or known[0]
    if wanted not in known:
        raise InputError(f'no evaluation on the data set {wanted!r}; there are {known}')
    _keep(
        found, lambda e: e.dataset == wanted, lambda e: f'data set {e.dataset!r}, not {wanted!r}'
    )
    classes = next((c for _, e in found.evaluations if (c := _classes(e))), None)
    _keep(
        found,
        lambda e: not _classes(e) or _classes(e) == classes,
        lambda e: (
            f'other classes: {len(_classes(e))} ({", ".join(_classes(e)[:3])}, ...) where '
            f'the first record has {len(classes)}'
        ),
    )
    return found


def _collect_one(work_dir: Path, found: Collection) -> None:
    for started in sorted(work_dir.rglob('started.json')):
        if not (started.parent / 'done.json').is_file() and not _outdated(started, work_dir):
            found.left_out.append(f'{started.parent}: the stage was interrupted')
    paths = [
        path
        for path in sorted(work_dir.rglob('results/*.json'))
        if not _outdated(path, work_dir) and not path.name.startswith('.')
    ]
    if not paths:
        found.left_out.append(f'{work_dir}: holds no results/*.json of a finished evaluation')
    for path in paths:
        try:
            evaluation = read_evaluation(path)
        except InputError as error:
            found.left_out.append(str(error))
            continue
        if evaluation.stage and not (path.parents[1] / 'done.json').is_file():
            continue  # of an interrupted stage, named above
        found.evaluations.append((work_dir, evaluation))


def _outdated(path: Path, work_dir: Path) -> bool:
    """Whether the file is in a stage's folder that the pipeline has put aside."""
    return any(part.endswith('.old') for part in path.relative_to(work_dir).parts)


def _classes(evaluation: Evaluation) -> tuple[str, ...]:
    return next((tuple(s.per_class) for s in evaluation.scores if s.per_class), ())


def _keep(found: Collection, keep, reason) -> None:
    """Drop the evaluations that do not belong, each with its reason."""
    for work_dir, evaluation in found.evaluations:
        if not keep(evaluation):
            name = evaluation.stage or evaluation.model
            found.left_out.append(f'{work_dir} ({name}, {evaluation.split}): {reason(evaluation)}')
    found.evaluations = [(w, e) for w, e in found.evaluations if keep(e)]


def rows(collection: Collection, task: Task | None = None) -> list[Row]:
    """One row for each figure; records that differ in nothing but seed and weights are averaged.

    Of the same figure with the same seed, the latest counts.

    Args:
        collection: The records.
        task: Only of this task.
    """
    groups: dict[tuple, dict[int | None, tuple[str, Path, float, Mapping]]] = {}
    for work_dir, e in collection.evaluations:
        if task is not None and e.task != task:
            continue
        for score in e.scores:
            key = (
                *(e.task, e.dataset, e.split, e.images, score.metric, e.model, e.stage),
                *(str(score.protocol), e.provenance['config_sha256']),
                (e.provenance['list'] or {}).get('sha256'),
            )
            entry = (e.provenance['time'], work_dir, score.value, score.per_class)
            seeds = groups.setdefault(key, {})
            seeds[e.seed] = max(seeds.get(e.seed, entry), entry, key=lambda item: item[0])
    return [_row(key, seeds) for key, seeds in groups.items()]


def _row(key: tuple, seeds: Mapping[int | None, tuple[str, Path, float, Mapping]]) -> Row:
    task, dataset, split, _, metric, model, stage, protocol, *_ = key
    values = [value for _, _, value, _ in seeds.values()]
    return Row(
        task=task,
        dataset=dataset,
        split=split,
        metric=metric,
        model=f'{stage} ({model})' if stage else model,
        value=statistics.mean(values),
        spread=statistics.stdev(values) if len(values) > 1 else None,
        seeds=tuple(sorted(seeds, key=str)),
        protocol=protocol,
        per_class=_mean_per_class([scores for _, _, _, scores in seeds.values()]),
        source=', '.join(sorted({str(work_dir) for _, work_dir, _, _ in seeds.values()})),
    )


def _mean_per_class(scores: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    means = {}
    for name in scores[0]:
        values = [s[name] for s in scores if s.get(name) is not None]
        means[name] = statistics.mean(values) if values else None
    return means


def read_published(path: Path) -> list[Row]:
    """Read published figures.

    Raises:
        ValueError: If the file lacks a key.
    """
    content = yaml.safe_load(path.read_text())
    try:
        return [
            Row(
                task=content['task'],
                dataset=content['dataset'],
                split=row['split'],
                metric=content['metric'],
                model=row['model'],
                value=float(row['value']),
                spread=None,
                seeds=(),
                protocol=row['protocol'],
                per_class={},
                source=row['source'],
                published=True,
            )
            for row in content['rows']
        ]
    except (KeyError, TypeError) as error:
        raise InputError(f'{path}: a row lacks {error}') from error


def tables(
    own: Sequence[Row], published: Sequence[Row]
) -> list[tuple[tuple[str, str, str, str], list[Row]]]:
    """Rows by (task, data set, split, metric), each best first; published ones where ours are."""
    keys = list(dict.fromkeys((r.task, r.dataset, r.split, r.metric) for r in own))
    result = []
    for key in keys:
        chosen = [r for r in (*own, *published) if (r.task, r.dataset, r.split, r.metric) == key]
        result.append((key, sorted(chosen, key=lambda row: -row.value)))
    return result
