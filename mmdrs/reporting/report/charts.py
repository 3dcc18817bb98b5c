"""Line charts: what they show, drawn twice, as SVG for the page and as PNG beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmdrs.files import written_whole
from mmdrs.reporting.report.html import Html, tag

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 40
#: A line of more points is thinned: no screen shows them.
MAX_POINTS = 500
#: Colours of the lines in the PNG, and as ``--line-<n>`` in the page's style; told apart by the
#: colour-blind too (Okabe and Ito).
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#7a6a00', '#56707f')


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: What the legend calls it.
        x: Ascending values (N,).
        y: Values (N,); one that is not finite interrupts the line.
        colour: Which of :data:`COLOURS`.
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: int = 0


@dataclass(frozen=True)
class Chart:
    """A line chart.

    Attributes:
        name: Of the PNG file, without suffix.
        title: Its heading.
        x_label: What the horizontal axis shows.
        y_label: What the vertical axis shows.
        lines: The lines.
        text: What it shows, for those who do not see it.
        mark: An x that is marked with a vertical line; None marks none.
        top: Where the vertical axis ends; None: at the highest value.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    text: str
    mark: float | None = None
    top: float | None = None

    def limits(self) -> tuple[float, float, float, float]:
        """Left, right, bottom and top of the axes; the bottom is 0 unless values are below."""
        x = np.concatenate([line.x for line in self.lines])
        y = np.concatenate([line.y for line in self.lines])
        y = y[np.isfinite(y)]
        left, right = float(x.min()), float(x.max())
        bottom = min(0.0, float(y.min(initial=0)))
        top = self.top if self.top is not None else float(y.max(initial=0))
        return (
            left,
            right if right > left else left + 1,
            bottom,
            top if top > bottom else bottom + 1,
        )


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers from ``low`` to ``high``: about ``count``, in steps of 1, 2 or 5 x 10^n."""
    step = 10.0 ** np.floor(np.log10((high - low) / count))
    for factor in (1, 2, 5, 10):
        if (high - low) / (factor * step) <= count:
            step *= factor
            break
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [number * float(step) for number in range(first, last + 1)]


def svg(chart: Chart) -> Html:
    """The chart as a figure of the page; its colours are those of the page's style."""
    left, right, bottom, top = chart.limits()

    def across(value: float) -> float:
        return LEFT + (value - left) / (right - left) * (WIDTH - LEFT - RIGHT)

    def down(value: float) -> float:
        return HEIGHT - BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    parts = [_grid(across, down, (left, right, bottom, top))]
    if chart.mark is not None:
        x = across(chart.mark)
        parts.append(tag('line', class_='mark', x1=_n(x), x2=_n(x), y1=TOP, y2=HEIGHT - BOTTOM))
    for line in chart.lines:
        path = _path(line, across, down)
        parts.append(tag('path', class_='curve', d=path, style=f'stroke:{_variable(line)}'))
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts.append(tag('text', chart.x_label, x=_n(middle), y=HEIGHT - 6, text_anchor='middle'))
    drawing = tag(
        'svg',
        parts,
        viewBox=f'0 0 {WIDTH} {HEIGHT}',
        role='img',
        aria_label=f'{chart.title}: {chart.text}',
    )
    caption = tag('figcaption', tag('b', chart.title), ' ', tag('span', chart.y_label))
    return tag('figure', caption, _legend(chart.lines), drawing, class_='chart')


def write_png(path: Path, chart: Chart) -> None:
    """Write the chart as a picture."""
    figure = Figure(figsize=(6.4, 4), dpi=150, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for line in chart.lines:
        axes.plot(line.x, line.y, color=COLOURS[line.colour % len(COLOURS)], label=line.name)
    left, right, bottom, top = chart.limits()
    axes.set(
        xlim=(left, right),
        ylim=(bottom, top + 0.03 * (top - bottom)),
        xlabel=_plain(chart.x_label),
        ylabel=_plain(chart.y_label),
        title=_plain(chart.title),
    )
    if chart.mark is not None:
        axes.axvline(chart.mark, color='grey', linewidth=0.8, linestyle=':')
    axes.grid(alpha=0.3)
    if len(chart.lines) > 1:
        axes.legend()
    with written_whole(path) as temporary:
        figure.savefig(temporary, format='png')


def _grid(across, down, limits: tuple[float, float, float, float]) -> list[Html]:
    left, right, bottom, top = limits
    parts = []
    for value in ticks(bottom, top):
        y = _n(down(value))
        parts.append(tag('line', class_='grid', x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y))
        parts.append(tag('text', f'{value:.4g}', x=LEFT - 6, y=y, dy='0.35em', text_anchor='end'))
    for value in ticks(left, right):
        x = _n(across(value))
        parts.append(
            tag('text', f'{value:.6g}', x=x, y=HEIGHT - BOTTOM + 16, text_anchor='middle')
        )
    return parts


def _path(line: Line, across, down) -> str:
    """The line as an SVG path; a value that is not finite starts it anew."""
    step = -(-len(line.x) // MAX_POINTS)
    # The last point is kept whatever the step.
    places = sorted({*range(0, len(line.x), step), len(line.x) - 1})
    words, command = [], 'M'
    for x, y in zip(line.x[places], line.y[places], strict=True):
        if np.isfinite(y):
            words.append(f'{command}{_n(across(x))} {_n(down(y))}')
            command = 'L'
        else:
            command = 'M'
    return ''.join(words)


def _legend(lines: Sequence[Line]) -> Html | None:
    if len(lines) < 2:
        return None
    items = [
        tag('li', tag('i', style=f'background:{_variable(line)}'), line.name) for line in lines
    ]
    return tag('ul', items, class_='legend')


def _variable(line: Line) -> str:
    return f'var(--line-{line.colour % len(COLOURS)})'


def _n(value: float) -> str:
    return f'{value:.1f}'


def _plain(text: str) -> str:
    """Text that matplotlib does not take for mathematics."""
    return text.replace('$', r'\$')
