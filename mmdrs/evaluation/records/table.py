"""The table of scores: one row for each stage and split, one column for each score."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from prettytable import PrettyTable, TableStyle

from mmdrs.evaluation.records.record import Evaluation, Score, Task

NOTE = """\
Percent. Maps: mIoU at the fixed threshold 0.2 and at the best one (* chosen on the ground truth);
coverage, the share of the objects whose map exceeds 0.2; precision, the share of those pixels
that lie on the object; labels, mIoU of the pseudo labels that these maps and the background cue
give. 255=miss: mIoU of the label files, whose ignored pixels count as misses; of kept: mIoU of the
pixels that are not ignored, which a network learns from; kept: their share."""


@dataclass(frozen=True)
class Level:
    """A score over seeds: mean in percent, and sample standard deviation (None for one seed)."""

    mean: float
    spread: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> 'Level':
        """Average one or more values."""
        spread = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.mean(values), spread)

    def __str__(self) -> str:
        return format(self, '.1f')

    def __format__(self, spec: str) -> str:
        """Mean ± spread; ``spec`` is that of the mean, such as ``+.1f`` for a difference."""
        spread = '' if self.spread is None else f' ± {self.spread:.1f}'
        return f'{self.mean:{spec or ".1f"}}{spread}'


@dataclass(frozen=True)
class Column:
    """One kind of score; ``crf`` is whether a dense CRF followed, None if either."""

    heading: str
    task: Task
    metric: str
    crf: bool | None = None

    def holds(self, evaluation: Evaluation, score: Score) -> bool:
        """Whether a score belongs in this column."""
        same = (evaluation.task, score.metric) == (self.task, self.metric)
        return same and self.crf in (None, bool(score.protocol.crf))


COLUMNS = (
    Column('fixed', 'seed', 'mIoU_fixed'),
    Column('best*', 'seed', 'mIoU_swept'),
    Column('coverage', 'seed', 'coverage'),
    Column('precision', 'seed', 'precision'),
    Column('labels', 'pseudo', 'mIoU'),
    Column('255=miss', 'pseudo', 'mIoU_written'),
    Column('of kept', 'pseudo', 'mIoU_kept'),
    Column('kept', 'pseudo', 'kept'),
    Column('mIoU', 'seg', 'mIoU', crf=False),
    Column('with CRF', 'seg', 'mIoU', crf=True),
)


class ScoreRow(NamedTuple):
    """The scores of one stage on one split, by heading of :data:`COLUMNS`; only those made."""

    stage: str
    split: str
    cells: dict[str, Level]


def score_rows(evaluations: Sequence[Evaluation]) -> list[ScoreRow]:
    """Average the scores over the seeds; rows are in the order of the evaluations.

    If a seed has a score more than once, the latest counts: a stage that is scored again, for
    instance with another background cue, keeps its earlier record.
    """
    found: dict[tuple[str, str], dict[str, dict[int | None, float]]] = {}
    for evaluation in evaluations:
        found.setdefault((evaluation.stage or evaluation.model, evaluation.split), {})
    for evaluation in sorted(evaluations, key=lambda item: item.provenance['time']):
        cells = found[evaluation.stage or evaluation.model, evaluation.split]
        for score in evaluation.scores:
            for column in COLUMNS:
                if column.holds(evaluation, score):
                    cells.setdefault(column.heading, {})[evaluation.seed] = score.value
    return [
        ScoreRow(
            stage, split, {name: Level.of([*seeds.values()]) for name, seeds in cells.items()}
        )
        for (stage, split), cells in found.items()
        if cells
    ]


def used_columns(rows: Sequence[ScoreRow]) -> list[str]:
    """Headings of the columns that any row has."""
    return [c.heading for c in COLUMNS if any(c.heading in row.cells for row in rows)]


def score_table(evaluations: Sequence[Evaluation]) -> str:
    """The table as text, with a note on what the columns mean."""
    rows = score_rows(evaluations)
    if not rows:
        return 'nothing was scored: there are no masks'
    headings = used_columns(rows)
    cells = [
        [row.stage, row.split, *(row.cells.get(name, '') for name in headings)] for row in rows
    ]
    return f'{render_table(["stage", "split", *headings], cells)}\n{NOTE}'


def render_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[Any]],
    left: int = 2,
    style: TableStyle = TableStyle.DEFAULT,
) -> str:
    """A table as text.

    Args:
        headings: Headings of the columns.
        rows: The cells of each row.
        left: How many columns are aligned to the left; scores are to the right.
        style: For instance ``TableStyle.MARKDOWN``.
    """
    table = PrettyTable(list(headings))
    table.set_style(style)
    for number, name in enumerate(headings):
        table.align[name] = 'l' if number < left else 'r'
    table.add_rows([list(row) for row in rows])
    return table.get_string()
