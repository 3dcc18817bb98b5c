"""Scores averaged over seeds, and ranked among published results."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from mmdrs.evaluation.records.record import Evaluation, Score, Task
from mmdrs.evaluation.records.table import Level
from mmdrs.reading import read_yaml, reading
from mmdrs.reporting.leaderboard.collection import Found

#: Published results on PASCAL VOC 2012.
PUBLISHED = Path(__file__).with_name('voc2012.yml')


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        model: Our config, with the stage where several share one; or a published method.
        value: Percent; the mean over the seeds.
        spread: Sample standard deviation over the seeds; None for one seed.
        seeds: The seeds, empty for a published result.
        protocol: How the score was made, in words.
        per_class: IoU in percent by class, averaged over the seeds; None for a class that does
            not occur.
        source: Work directories, or where the result was published.
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

    @property
    def table(self) -> tuple[str, str, str, str]:
        """Task, data set, split and metric: rows that agree in them are ranked together."""
        return self.task, self.dataset, self.split, self.metric


def rows(found: Sequence[Found], task: Task | None = None) -> list[Row]:
    """One row for each score; records that differ in nothing but seed and weights are averaged.

    Of the same score with the same seed, the latest counts. With ``task``, only its
    records.
    """
    series: dict[tuple, dict[int | None, tuple[Path, Evaluation, Score]]] = {}
    for work_dir, evaluation in sorted(found, key=lambda item: item[1].provenance['time']):
        if task in (None, evaluation.task):
            for score in evaluation.scores:
                by_seed = series.setdefault(_series(evaluation, score), {})
                by_seed[evaluation.seed] = work_dir, evaluation, score
    return [_row(list(by_seed.values())) for by_seed in series.values()]


def _series(e: Evaluation, score: Score) -> tuple:
    """What scores have in common that differ in nothing but seed and weights."""
    listed = (e.provenance['list'] or {}).get('sha256')
    config, about = e.provenance['config_sha256'], (score.metric, score.protocol)
    return e.task, e.dataset, e.split, e.images, e.model, e.stage, about, config, listed


def _row(entries: Sequence[tuple[Path, Evaluation, Score]]) -> Row:
    """The row of the scores of one series, one for each seed."""
    work_dirs, evaluations, scores = zip(*entries, strict=True)
    first, score = evaluations[0], scores[0]
    level = Level.of([score.value for score in scores])
    return Row(
        task=first.task,
        dataset=first.dataset,
        split=first.split,
        metric=score.metric,
        model=f'{first.stage} ({first.model})' if first.stage else first.model,
        value=level.mean,
        spread=level.spread,
        seeds=tuple(sorted((evaluation.seed for evaluation in evaluations), key=str)),
        protocol=str(score.protocol),
        per_class=_mean_per_class([score.per_class for score in scores]),
        source=', '.join(sorted({str(work_dir) for work_dir in work_dirs})),
    )


def _mean_per_class(scores: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    means = {}
    for name in scores[0]:
        values = [value for s in scores if (value := s.get(name)) is not None]
        means[name] = statistics.mean(values) if values else None
    return means


def read_published(path: Path = PUBLISHED) -> list[Row]:
    """Read published results.

    Raises:
        InputError: If the file is damaged or lacks a key.
    """
    content = read_yaml(path, 'table of published results')
    with reading(path, 'table of published results'):
        return [
            Row(
                task=cast(Task, str(content['task'])),
                **{key: str(content[key]) for key in ('dataset', 'metric')},
                **{key: str(row[key]) for key in ('split', 'model', 'protocol', 'source')},
                value=float(row['value']),
                spread=None,
                seeds=(),
                per_class={},
                published=True,
            )
            for row in content['rows']
        ]


def tables(own: Sequence[Row], published: Sequence[Row]) -> list[list[Row]]:
    """The rows of each table, best first; published ones only where there are ours."""
    return [
        sorted((row for row in (*own, *published) if row.table == key), key=lambda r: -r.value)
        for key in dict.fromkeys(row.table for row in own)
    ]
