"""Plots of an ablation: scores by the control of DRS, and by variant."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.results import Row
from ablation.variants import PLAIN
from mmdrs.evaluation.records.table import Level
from mmdrs.files import written_whole

#: Plots by delta: the file, and the heading and title of each of its panels.
BY_DELTA = {
    'miou_by_delta.png': {
        'fixed': 'mIoU of maps, threshold 0.2',
        'best*': 'mIoU of maps, best threshold',
        'labels': 'mIoU of labels',
    },
    'coverage_by_delta.png': {'coverage': 'coverage', 'precision': 'precision'},
    'accuracy_by_delta.png': {'accuracy': 'accuracy of image labels'},
}
#: Distinguishable for the colour-blind.
STYLE = 'tableau-colorblind10'
MARKERS = 'osD^vP'


def draw_plots(work_dir: Path, rows: Sequence[Row]) -> None:
    """Draw what the rows hold: PNGs by delta, and ``labels_by_variant.png``."""
    swept = [row for row in rows if row.variant.delta is not None]
    with matplotlib.style.context(STYLE):
        for name, titles in BY_DELTA.items():
            panels = {h: title for h, title in titles.items() if any(h in r.cells for r in swept)}
            if panels:
                draw_by_delta(work_dir / name, rows, panels)
        if any('labels' in row.cells for row in rows):
            draw_by_variant(work_dir / 'labels_by_variant.png', rows, 'labels', 'mIoU of labels')


def draw_by_delta(path: Path, rows: Sequence[Row], panels: Mapping[str, str]) -> None:
    """Draw scores by the constant control: a panel for each score, a curve for each layer group.

    The learned control is to the right of the largest constant one, the plain classifier a
    horizontal band. ``panels`` maps the headings of the scores to titles, at least one.
    """
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout='constrained')
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (heading, title) in zip(all_axes, panels.items(), strict=True):
        _draw_panel(axes, [row for row in rows if heading in row.cells], heading)
        axes.set(title=title, xlabel='control (delta)', ylabel='%')
        axes.grid(alpha=0.3)
        axes.legend(fontsize='small')
    _save(figure, path)


def _draw_panel(axes: Axes, rows: Sequence[Row], heading: str) -> None:
    swept = [row for row in rows if row.variant.delta is not None]
    deltas = sorted({row.variant.delta for row in swept} - {'learnable'})
    step = min(np.diff(deltas), default=0.1)
    learned_at = (deltas[-1] if deltas else 0.0) + 1.5 * step
    for number, group in enumerate(dict.fromkeys(row.variant.layers for row in swept)):
        levels = {r.variant.delta: r.cells[heading] for r in swept if r.variant.layers == group}
        learned = levels.pop('learnable', None)
        look = dict(marker=MARKERS[number % len(MARKERS)], color=f'C{number}', capsize=3)
        label = _plain_text(group or 'DRS')
        if levels:
            points = sorted(levels.items())
            means, spreads = _bars([level for _, level in points])
            axes.errorbar([delta for delta, _ in points], means, spreads, label=label, **look)
        if learned:
            # Groups often score alike: a shift keeps their bars apart.
            place = learned_at + 0.1 * step * number
            axes.errorbar([place], *_bars([learned]), label=None if levels else label, **look)
    ticks = {delta: f'{delta:g}' for delta in deltas}
    if any(row.variant.delta == 'learnable' for row in swept):
        ticks[learned_at] = 'learned'
    axes.set_xticks(list(ticks), list(ticks.values()))
    _draw_plain(axes.axhline, axes.axhspan, rows, heading)


def draw_by_variant(path: Path, rows: Sequence[Row], heading: str, title: str) -> None:
    """Draw one score of all variants, one below the other; the plain classifier as a band."""
    rows = [row for row in rows if heading in row.cells]
    others = [row for row in rows if row.variant.name != PLAIN]
    figure = Figure(figsize=(6, 1.2 + 0.26 * len(others)), layout='constrained')
    axes = figure.subplots()
    _draw_plain(axes.axvline, axes.axvspan, rows, heading)
    if len(others) < len(rows):
        axes.legend(fontsize='small')
    means, spreads = _bars([row.cells[heading] for row in others])
    heights = range(len(others))
    axes.errorbar(means, heights, xerr=spreads, fmt='o', capsize=3)
    axes.set_yticks(heights, [_plain_text(row.variant.name) for row in others])
    axes.invert_yaxis()
    axes.set_xlabel(f'{title} (%), mean ± standard deviation')
    axes.grid(alpha=0.3)
    _save(figure, path)


def _draw_plain(line: Callable, span: Callable, rows: Sequence[Row], heading: str) -> None:
    """Draw the plain classifier with the methods of the axes for lines and bands."""
    for plain in (row.cells[heading] for row in rows if row.variant.name == PLAIN):
        (mean,), (spread,) = _bars([plain])
        line(mean, color='grey', linestyle='--', label=PLAIN)
        span(mean - spread, mean + spread, color='grey', alpha=0.2, linewidth=0)


def _bars(levels: Sequence[Level]) -> tuple[list[float], list[float]]:
    """Means and lengths of the error bars."""
    return [level.mean for level in levels], [level.spread or 0.0 for level in levels]


def _plain_text(text: str) -> str:
    """Text that matplotlib does not take for mathematics."""
    return text.replace('$', r'\$')


def _save(figure: Figure, path: Path) -> None:
    with written_whole(path) as temporary:
        figure.savefig(temporary, dpi=110)
