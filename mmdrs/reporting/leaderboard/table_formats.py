"""A leaderboard as Markdown, CSV, JSON or one HTML page."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from prettytable import PrettyTable, TableStyle

from mmdrs.evaluation.records.table import Level
from mmdrs.reporting.leaderboard.ranking import Row, tables
from mmdrs.reporting.templates import number, render_page

_TASKS = dict(seed='Localization maps', pseudo='Pseudo labels', seg='Segmentation')
_KEYS = ('task', 'dataset', 'split', 'metric')
_HEADINGS = ('#', 'model', 'value', 'above', 'seeds', 'protocol', 'source')
NOTE = (
    'Percent. `above`: difference to the row above. Rows of different protocols are not the same '
    'measurement; *published* rows are quoted, not measured here.'
)


def to_markdown(own: Sequence[Row], published: Sequence[Row]) -> str:
    """Tables with headings; the IoU by class of our rows after each."""
    blocks = []
    for ranked in tables(own, published):
        blocks.append(f'## {_title(ranked)}\n')
        for headings, lines in _parts(ranked):
            table = PrettyTable()
            table.set_style(TableStyle.MARKDOWN)
            table.align = 'l'
            table.field_names = _escaped(headings)
            table.add_rows([_escaped(line) for line in lines])
            blocks.append(f'{table}\n')
    return '\n'.join([*blocks, NOTE, ''])


def _escaped(cells: Sequence[str]) -> list[str]:
    return [cell.replace('|', '\\|') for cell in cells]


def to_csv(own: Sequence[Row], published: Sequence[Row]) -> str:
    """One line for each row, one table after the other; values unrounded."""
    first = (*_KEYS, 'rank', 'model', 'value', 'spread', 'above')
    table = PrettyTable((*first, 'seeds', 'protocol', 'published', 'source'))
    for ranked in tables(own, published):
        for rank, (row, above) in enumerate(_with_difference(ranked), 1):
            spread = '' if row.spread is None else row.spread
            line = (*row.table, rank, row.model, row.value, spread, '' if above is None else above)
            seeds = len(row.seeds) or ''
            table.add_row([*line, seeds, row.protocol, int(row.published), row.source])
    return table.get_csv_string(lineterminator='\n')


def to_json(own: Sequence[Row], published: Sequence[Row]) -> str:
    """The tables as a list, rows best first."""
    content = [
        dict(zip(_KEYS, ranked[0].table, strict=True), rows=[asdict(row) for row in ranked])
        for ranked in tables(own, published)
    ]
    return json.dumps(content, indent=1) + '\n'


def to_html(own: Sequence[Row], published: Sequence[Row]) -> str:
    """One page that needs nothing from anywhere."""
    ranked_tables = [
        (_title(ranked), _parts(ranked), [row.published for row in ranked])
        for ranked in tables(own, published)
    ]
    note = NOTE.replace('`', '').replace('*', '')
    template = Path(__file__).with_name('leaderboard.html.j2')
    return render_page(template, tables=ranked_tables, note=note)


FORMATS: dict[str, Callable[[Sequence[Row], Sequence[Row]], str]] = dict(
    md=to_markdown, csv=to_csv, json=to_json, html=to_html
)
_Lines = list[tuple[str, ...]]


def _title(ranked: Sequence[Row]) -> str:
    task, dataset, split, metric = ranked[0].table
    return f'{_TASKS[task]}: {metric} on {dataset} {split}'


def _parts(ranked: Sequence[Row]) -> list[tuple[tuple[str, ...], _Lines]]:
    """Headings and lines of a table and, where a row has any, of the IoU by class."""
    lines: _Lines = []
    for rank, (row, above) in enumerate(_with_difference(ranked), 1):
        model = f'{row.model} (published)' if row.published else row.model
        difference = '' if above is None else f'{above:+.1f}'
        cells = (model, str(Level(row.value, row.spread)), difference, str(len(row.seeds) or ''))
        lines.append((str(rank), *cells, row.protocol, row.source))
    parts: list[tuple[tuple[str, ...], _Lines]] = [(_HEADINGS, lines)]
    known = [row for row in ranked if row.per_class]
    if known:
        classes = tuple(known[0].per_class)
        lines = [(row.model, *map(number, map(row.per_class.get, classes))) for row in known]
        parts.append((('IoU by class', *classes), lines))
    return parts


def _with_difference(ranked: Sequence[Row]) -> list[tuple[Row, float | None]]:
    """Rows with the difference of their value to that of the row above."""
    differences = [row.value - above.value for above, row in pairwise(ranked)]
    return list(zip(ranked, [None, *differences], strict=True))
