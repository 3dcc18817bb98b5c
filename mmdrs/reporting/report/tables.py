"""The tables of the report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmdrs.engine import format_seconds
from mmdrs.pipeline.results import COLUMNS
from mmdrs.reporting.report.cards import swatch
from mmdrs.reporting.report.figures import Figures, LabelFigures, MapFigures
from mmdrs.reporting.report.html import Html, tag
from mmdrs.reporting.report.samples import LABEL_STAGES, MAP_STAGES, Split
from mmdrs.reporting.report.statistics import SIZES, label_counts, row_shares
from mmdrs.reporting.report.work_dir import WorkDir

#: A cell of a confusion matrix with at least this share has light text on a dark ground.
STRONG = 0.62
#: The colour of each stage's bars; of maps the same as of their lines.
_COLOURS = {name: colour for colour, name in enumerate((*MAP_STAGES, *LABEL_STAGES))}


def table(
    heads: Sequence[object],
    rows: Sequence[Sequence[object]],
    caption: str,
    class_: str = '',
    words: Sequence[int] = (),
) -> Html:
    """A table whose first column heads the rows; where it is too wide, it scrolls by itself.

    Args:
        heads: Heads of the columns.
        rows: Their cells; a cell that is no ``td`` is put into one.
        caption: What it shows; also its name for those who do not see it.
        class_: Further classes of its style.
        words: Which columns hold words or bars; they stand left, figures stand right.
    """
    sides = ['left' if column in words else None for column in range(len(heads))]
    head = [
        tag('th', text, scope='col', class_=side) for text, side in zip(heads, sides, strict=True)
    ]
    body = [
        tag('tr', tag('th', row[0], scope='row'), list(map(_cell, row[1:], sides[1:])))
        for row in rows
    ]
    content = tag(
        'table',
        tag('caption', tag('span', caption)),
        tag('thead', tag('tr', head)),
        tag('tbody', body),
        class_=class_,
    )
    # Scrolled by keys as well, which needs the focus.
    return tag('div', content, class_='scroll', tabindex=0, role='region', aria_label=caption)


def score_table(work_dir: WorkDir) -> Html:
    """The table of the pipeline: a row for each stage and split, a column for each metric."""
    records = work_dir.records
    columns = [c for c in COLUMNS if any(record['metric'] == c[0] for record in records)]
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for record in records:
        key = record['stage'], record['split']
        rows.setdefault(key, {})[record['metric']] = record['value']
    body = [
        [stage, split, *(_number(row.get(metric), 1) for metric, _ in columns)]
        for (stage, split), row in rows.items()
    ]
    heads = ['stage', 'images', *(heading for _, heading in columns)]
    return table(heads, body, 'Scores by stage, percent', words=[1])


def time_table(work_dir: WorkDir) -> Html:
    """How long each stage took."""
    total = sum(stage.seconds for stage in work_dir.stages.values())
    rows = [
        [
            name,
            done.stage.title,
            format_seconds(done.seconds),
            _bar(done.seconds / total if total else 0, '', 5),
            done.finished,
        ]
        for name, done in work_dir.stages.items()
    ]
    rows.append(['all', '', format_seconds(total), '', ''])
    heads = ['stage', 'what it does', 'time (h:mm:ss)', 'share', 'finished']
    return table(heads, rows, 'How long each stage took', 'lines', words=[1, 3])


def settings_table(settings: dict[str, Any]) -> Html:
    """All settings as they are in ``settings.py``."""
    rows = [[tag('code', key), tag('code', repr(value))] for key, value in settings.items()]
    return table(['setting', 'value'], rows, 'All settings (settings.py)', 'wrapped', words=[1])


def class_table(split: Split, figures: Figures) -> Html:
    """IoU by class of labels and prediction, a bar each."""
    found = {n: f.confusion for n, f in figures.labels.items() if f.confusion is not None}
    scores = {name: label_counts(confusion).iou() for name, confusion in found.items()}
    actual = next(iter(found.values())).sum(axis=1)
    rows = []
    for index, name in enumerate(split.classes):
        share = actual[index] / max(actual.sum(), 1)
        bars = [
            _bar(iou[index], _number(100 * iou[index], 1), _COLOURS[stage])
            for stage, iou in scores.items()
        ]
        rows.append([[swatch(split.palette[index]), name], f'{100 * share:.1f}', *bars])
    means = {name: label_counts(confusion).miou() for name, confusion in found.items()}
    bars = [_bar(mean / 100, _number(mean, 1), _COLOURS[name]) for name, mean in means.items()]
    rows.append([tag('b', 'mean'), '', *bars])
    heads = ['class', '% of pixels', *(f'IoU, {LABEL_STAGES[stage]}' for stage in scores)]
    bars_at = range(2, len(heads))
    return table(heads, rows, 'IoU by class, percent', 'bars', words=bars_at)


def confusion_table(split: Split, figures: LabelFigures, words: str) -> Html:
    """A confusion matrix, each row divided by its sum; ignored pixels where there are any."""
    shares = row_shares(figures.confusion)
    heads = list(split.classes)
    if figures.confusion[:, -1].any():
        heads.append('ignored')
    rows = []
    for index, name in enumerate(split.classes):
        cells = [
            _heat_cell(share, f'{name} as {head}')
            for share, head in zip(shares[index], heads, strict=False)
        ]
        rows.append([name, *cells])
    caption = f'Confusion matrix of the {words}: percent of the pixels of each true class (row)'
    return table(['true \\ given', *heads], rows, caption, 'matrix')


def size_table(maps: dict[str, MapFigures]) -> Html:
    """Coverage and over-activation by size of the objects."""
    rows = []
    for place, size in enumerate(SIZES):
        for stage, figures in maps.items():
            group = figures.sizes[place]
            extent = f'{100 * group.low:.1f} to {100 * group.high:.1f} %' if group.objects else ''
            cells = [
                _bar(value, _number(100 * value, 1), _COLOURS[stage])
                for value in (group.coverage, group.over_activation)
            ]
            rows.append([size, MAP_STAGES[stage], *cells, extent, group.objects])
    heads = ['objects', 'maps', 'coverage', 'over-activation', 'share of the image', 'number']
    caption = 'Coverage and over-activation by size of the objects, percent'
    return table(heads, rows, caption, 'bars lines', words=[1, 2, 3])


def _cell(item: object, side: str | None) -> Html:
    made = isinstance(item, Html) and item.startswith('<td')
    return item if made else tag('td', item, class_=side)


def _bar(share: float, text: str, colour: int) -> Html:
    """A cell with a figure and its bar."""
    width = 100 * share if np.isfinite(share) else 0
    style = f'width:{width:.1f}%;background:var(--line-{colour})'
    bar = tag('span', tag('i', style=style), class_='bar')
    # The figure comes first: on a phone the bar is what is cut off.
    return tag('td', tag('span', text, class_='figure') if text else None, bar, class_='bar-cell')


def _heat_cell(share: float, title: str) -> Html:
    if not np.isfinite(share):
        return tag('td', '', title=f'{title}: does not occur')
    strong = 'strong' if share >= STRONG else None
    text = f'{100 * share:.0f}' if share >= 0.005 else '0' if share == 0 else '<1'
    style = f'--share:{share:.3f}'
    return tag('td', text, style=style, class_=strong, title=f'{title}: {100 * share:.2f} %')


def _number(value: float | None, digits: int) -> str:
    return '' if value is None or not np.isfinite(value) else f'{value:.{digits}f}'
