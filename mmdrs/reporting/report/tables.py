"""The tables of the report."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmdrs.engine import format_seconds
from mmdrs.pipeline.results import COLUMNS

from .cards import swatch
from .figures import Figures, LabelFigures, MapFigures
from .html import Html, tag
from .samples import LABEL_STAGES, MAP_STAGES, Split
from .statistics import SIZES, label_counts, row_shares
from .work_dir import WorkDir

#: A cell of a confusion matrix with at least this share has light text on a dark ground.
STRONG = 0.62


def table(
    heads: Sequence[object], rows: Sequence[Sequence[object]], caption: str, class_: str = ''
) -> Html:
    """A table whose first column heads the rows; where it is too wide, it scrolls by itself.

    Args:
        heads: Heads of the columns.
        rows: Their cells; a cell that is no ``td`` is put into one.
        caption: What it shows; also its name for those who do not see it.
        class_: Further classes of its style.
    """
    head = tag('tr', [tag('th', text, scope='col') for text in heads])
    body = [
        tag('tr', tag('th', row[0], scope='row'), [_cell(item) for item in row[1:]])
        for row in rows
    ]
    content = tag(
        'table', tag('caption', caption), tag('thead', head), tag('tbody', body), class_=class_
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
    return table(heads, body, 'Scores by stage, percent')


def time_table(work_dir: WorkDir) -> Html:
    """How long each stage took."""
    total = sum(stage.seconds for stage in work_dir.stages.values())
    rows = [
        [
            name,
            done.stage.title,
            format_seconds(done.seconds),
            _bar(done.seconds / total if total else 0, '', 3),
            done.finished,
        ]
        for name, done in work_dir.stages.items()
    ]
    rows.append(['all', '', format_seconds(total), '', ''])
    heads = ['stage', 'what it does', 'time (h:mm:ss)', 'share', 'finished']
    return table(heads, rows, 'Time by stage')


def settings_table(settings: dict[str, Any]) -> Html:
    """All settings as they are in ``settings.py``."""
    rows = [[tag('code', key), tag('code', repr(value))] for key, value in settings.items()]
    return table(['setting', 'value'], rows, 'All settings (settings.py)', 'wrapped')


def class_table(split: Split, figures: Figures) -> Html:
    """IoU by class of labels and prediction, a bar each."""
    found = {n: f.confusion for n, f in figures.labels.items() if f.confusion is not None}
    scores = {name: label_counts(confusion).iou() for name, confusion in found.items()}
    actual = next(iter(found.values())).sum(axis=1)
    rows = []
    for index, name in enumerate(split.classes):
        share = actual[index] / max(actual.sum(), 1)
        bars = [
            _bar(iou[index], _number(100 * iou[index], 1), tuple(LABEL_STAGES).index(stage))
            for stage, iou in scores.items()
        ]
        rows.append([[swatch(split.palette[index]), name], f'{100 * share:.1f}', *bars])
    means = [tag('b', _number(label_counts(found[stage]).miou(), 1)) for stage in scores]
    rows.append(['mean', '', *(tag('td', mean) for mean in means)])
    heads = ['class', '% of pixels', *(f'IoU, {LABEL_STAGES[stage]}' for stage in scores)]
    return table(heads, rows, 'IoU by class, percent', 'bars')


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
                _bar(value, _number(100 * value, 1), list(MAP_STAGES).index(stage))
                for value in (group.coverage, group.over_activation)
            ]
            rows.append([size, extent, group.objects, MAP_STAGES[stage], *cells])
    heads = ['objects', 'share of the image', 'number', 'maps', 'coverage', 'over-activation']
    return table(heads, rows, 'Coverage and over-activation by size of the objects', 'bars')


def _cell(item: object) -> Html:
    return item if isinstance(item, Html) and item.startswith('<td') else tag('td', item)


def _bar(share: float, text: str, colour: int) -> Html:
    """A cell with a bar and its figure."""
    width = 100 * share if np.isfinite(share) else 0
    style = f'width:{width:.1f}%;background:var(--line-{colour})'
    bar = tag('span', tag('i', style=style), class_='bar')
    return tag('td', bar, tag('span', text, class_='figure') if text else None, class_='bar-cell')


def _heat_cell(share: float, title: str) -> Html:
    if not np.isfinite(share):
        return tag('td', '', title=f'{title}: does not occur')
    strong = 'strong' if share >= STRONG else None
    text = f'{100 * share:.0f}' if share >= 0.005 else '0' if share == 0 else '<1'
    style = f'--share:{share:.3f}'
    return tag('td', text, style=style, class_=strong, title=f'{title}: {100 * share:.2f} %')


def _number(value: float | None, digits: int) -> str:
    return '' if value is None or not np.isfinite(value) else f'{value:.{digits}f}'
