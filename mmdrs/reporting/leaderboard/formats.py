"""A leaderboard as Markdown, CSV, JSON or one HTML page."""

import csv
import html
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from mmdrs.reporting.leaderboard.leaderboard import Row, tables

_TITLES = dict(seed='Localization maps', pseudo='Pseudo labels', seg='Segmentation')
_HEADINGS = ('#', 'model', 'value', 'above', 'seeds', 'protocol', 'source')
NOTE = (
    'Percent. `above`: difference to the row above. Rows of different protocols are not the same '
    'measurement; *published* rows are quoted, not measured here.'
)


def to_markdown(own: Sequence[Row], published: Sequence[Row]) -> str:
    """Tables with headings; the IoU by class of our rows below each."""
    parts = []
    for key, ranked in tables(own, published):
        parts.append(f'## {_title(key)}\n')
        parts.append(_markdown(_HEADINGS, _lines(ranked)))
        by_class = _per_class(ranked)
        if by_class:
            parts.append(_markdown(*by_class))
    return '\n'.join([*parts, NOTE, ''])


def to_csv(own: Sequence[Row], published: Sequence[Row]) -> str:
    """One line for each row, tables one behind the other; figures unrounded."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\n')
    first = ('task', 'dataset', 'split', 'metric', 'rank', 'model', 'value', 'spread')
    writer.writerow((*first, 'above', 'seeds', 'protocol', 'published', 'source'))
    for key, ranked in tables(own, published):
        for rank, (row, above) in enumerate(zip(ranked, [None, *ranked], strict=False), 1):
            writer.writerow(
                (
                    *(*key, rank, row.model, row.value, '' if row.spread is None else row.spread),
                    '' if above is None else row.value - above.value,
                    *(len(row.seeds) or '', row.protocol, int(row.published), row.source),
                )
            )
    return buffer.getvalue()


def to_json(own: Sequence[Row], published: Sequence[Row]) -> str:
    """The tables as a list, rows best first."""
    content = [
        dict(zip(('task', 'dataset', 'split', 'metric'), key, strict=True))
        | dict(rows=[asdict(row) for row in ranked])
        for key, ranked in tables(own, published)
    ]
    return json.dumps(content, indent=1) + '\n'


def to_html(own: Sequence[Row], published: Sequence[Row]) -> str:
    """One page that needs nothing from anywhere."""
    parts = []
    for key, ranked in tables(own, published):
        parts.append(f'<h2>{html.escape(_title(key))}</h2>')
        parts.append(_html(_HEADINGS, _lines(ranked), [row.published for row in ranked]))
        by_class = _per_class(ranked)
        if by_class:
            headings, lines = by_class
            parts.append(_html(headings, lines, [False] * len(lines)))
    body = '\n'.join(parts)
    note = html.escape(NOTE.replace('`', '').replace('*', ''))
    return _PAGE.format(body=body, note=note)


FORMATS: dict[str, Callable[[Sequence[Row], Sequence[Row]], str]] = dict(
    md=to_markdown, csv=to_csv, json=to_json, html=to_html
)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Leaderboard</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; margin: .5rem 0 1rem; }}
th, td {{ padding: .25rem .6rem; text-align: left; border-bottom: 1px solid #8886; }}
tr.published {{ opacity: .65; }}
</style></head><body>
<h1>Leaderboard</h1>
{body}
<p>{note}</p>
</body></html>
"""


def _title(key: tuple[str, str, str, str]) -> str:
    task, dataset, split, metric = key
    return f'{_TITLES[task]}: {metric} on {dataset} {split}'


def _lines(ranked: Sequence[Row]) -> list[tuple[str, ...]]:
    lines = []
    for rank, (row, above) in enumerate(zip(ranked, [None, *ranked], strict=False), 1):
        spread = '' if row.spread is None else f' ± {row.spread:.1f}'
        lines.append(
            (
                str(rank),
                f'{row.model} (published)' if row.published else row.model,
                f'{row.value:.1f}{spread}',
                '' if above is None else f'{row.value - above.value:+.1f}',
                str(len(row.seeds) or ''),
                row.protocol,
                row.source,
            )
        )
    return lines


def _per_class(ranked: Sequence[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]] | None:
    """Headings and lines of the table by class; None where no row has any."""
    known = [row for row in ranked if row.per_class]
    if not known:
        return None
    classes = tuple(known[0].per_class)
    lines = [
        (
            row.model,
            *('' if row.per_class[c] is None else f'{row.per_class[c]:.1f}' for c in classes),
        )
        for row in known
    ]
    return ('IoU by class', *classes), lines


def _markdown(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ['---'] * len(headings)
    cells = [[cell.replace('|', '\\|') for cell in line] for line in (headings, rule, *lines)]
    return '\n'.join(f'| {" | ".join(line)} |' for line in cells) + '\n'


def _html(headings: Sequence[str], lines: Sequence[Sequence[str]], faint: Sequence[bool]) -> str:
    head = ''.join(f'<th scope="col">{html.escape(h)}</th>' for h in headings)
    body = ''
    for line, published in zip(lines, faint, strict=True):
        cells = ''.join(f'<td>{html.escape(cell)}</td>' for cell in line)
        body += f'<tr class="published">{cells}</tr>' if published else f'<tr>{cells}</tr>'
    return f'<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
