"""Line charts: drawn once by matplotlib, as SVG for the page and as PNG beside it."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from mmdrs.files import written_whole
from mmdrs.pseudo_labels.constants import MAP_THRESHOLD
from mmdrs.reporting.report.listed_images import MAP_STAGES, SHOWN_STAGES
from mmdrs.reporting.report.stage_statistics import MapStatistics
from mmdrs.reporting.report.training_log import TrainingCurves

#: A line of more points is thinned: no screen shows them.
MAX_POINTS = 500
#: Colours of the lines, distinct for the colour-blind too (Okabe and Ito). In the page they are
#: ``--line-<n>`` of its style, which has lighter ones for dark screens.
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#a8588a', '#7a6a00', '#56707f')
#: Of text and axes, as in the style; ``--quiet`` in the page.
GREY = '#7d8790'
_STYLE = Path(__file__).with_name('charts.mplstyle')


def stage_colour(stage: str) -> int:
    """Index in :data:`COLOURS` of a stage that the report shows."""
    return SHOWN_STAGES.index(stage) % len(COLOURS)


@dataclass(frozen=True)
class Chart:
    """A line chart.

    Attributes:
        name: Of the PNG file, without suffix; letters, digits and ``_``.
        x: Ascending values (N,), common to all lines.
        lines: Values (N,) by name; one that is not finite interrupts the line.
        text: What it shows, for those who do not see it.
        colours: Index in :data:`COLOURS` of each line.
        mark: An x that is marked with a vertical line.
        top: Where the vertical axis ends; None: above the highest value.
    """

    name: str
    title: str
    x: np.ndarray
    lines: Mapping[str, np.ndarray]
    x_label: str
    y_label: str
    text: str
    colours: Sequence[int] = range(len(COLOURS))
    mark: float | None = None
    top: float | None = None

    def svg(self) -> Markup:
        """The chart as an element of the page, in the colours of its style."""
        buffer = io.StringIO()
        with matplotlib.rc_context(fname=_STYLE):
            nothing = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
            self._draw().savefig(buffer, format='svg', metadata=nothing)
        drawing = buffer.getvalue()
        drawing = drawing[drawing.index('<svg') :]
        # One page holds many charts: ids must differ.
        drawing = re.sub(r'( id="|url\(#|href="#)', rf'\g<1>{self.name}-', drawing)
        for number, colour in enumerate(COLOURS):
            drawing = drawing.replace(colour, f'var(--line-{number})')
        return Markup(drawing.replace(GREY, 'var(--quiet)'))

    def write_png(self, folder: Path) -> None:
        """Write the chart as a PNG with a transparent ground."""
        with (
            matplotlib.rc_context(fname=_STYLE),
            written_whole(folder / f'{self.name}.png') as path,
        ):
            self._draw().savefig(path, format='png')

    def _draw(self) -> Figure:
        figure = Figure()
        axes = figure.add_subplot()
        # The last point is kept whatever the step.
        count = len(self.x)
        shown = np.unique([*range(0, count, -(-count // MAX_POINTS)), count - 1])
        for number, (name, values) in enumerate(self.lines.items()):
            colour = COLOURS[self.colours[number % len(self.colours)]]
            marker = 'o' if count == 1 else None  # a single point makes no line
            axes.plot(self.x[shown], values[shown], marker=marker, color=colour, label=name)
        axes.set(xlabel=self.x_label, ylabel=self.y_label, title=self.title)
        axes.set_ylim(min(0, axes.dataLim.y0), self.top)
        if count > 1:
            axes.set_xlim(self.x[0], self.x[-1])
        if self.mark is not None:
            axes.axvline(self.mark, color=GREY, linewidth=0.8, linestyle=':')
        if len(self.lines) > 1:
            axes.legend()
        return figure


def threshold_charts(maps: Mapping[str, MapStatistics]) -> list[Chart]:
    """mIoU, precision and recall of all stages' maps by threshold."""
    curves = {stage: found.curves() for stage, found in maps.items()}
    titles = dict(miou='mIoU', precision='Precision', recall='Recall') if curves else {}
    return [
        _threshold_chart(name, title, {stage: found[name] for stage, found in curves.items()})
        for name, title in titles.items()
    ]


def _threshold_chart(name: str, title: str, curves: Mapping[str, np.ndarray]) -> Chart:
    levels = np.linspace(0, 1, 256)
    fixed = int(np.ceil(np.float32(MAP_THRESHOLD) * 255))
    lines = {MAP_STAGES[stage]: values for stage, values in curves.items()}
    parts = []
    for words, values in lines.items():
        best = int(np.argmax(np.nan_to_num(values)))
        here = 'nothing' if np.isnan(values[fixed]) else f'{values[fixed]:.1f}'
        parts.append(f'{words} {here}, highest {values[best]:.1f} at {levels[best]:.2f}')
    return Chart(
        name=f'maps_{name}',
        title=f'{title} by threshold',
        x=levels,
        lines=lines,
        x_label='threshold',
        y_label='percent',
        text=f'at {MAP_THRESHOLD}: {"; ".join(parts)}',
        colours=[stage_colour(stage) for stage in curves],
        mark=MAP_THRESHOLD,
        top=None if name == 'miou' else 102.0,
    )


def training_charts(stage: str, curves: TrainingCurves) -> list[Chart]:
    """Loss and learning rate of a training."""
    x, losses, rate = curves
    loss = losses['loss']
    return [
        Chart(
            name=f'{stage}_loss',
            title=f'{stage}: loss',
            x=x,
            lines=losses,
            x_label='iteration',
            y_label='as logged',
            text=f'from {loss[0]:.4g} to {loss[-1]:.4g} in {x[-1]:.0f} iterations',
        ),
        Chart(
            name=f'{stage}_rate',
            title=f'{stage}: learning rate',
            x=x,
            lines=dict(rate=rate),
            x_label='iteration',
            y_label='',
            text=f'from {rate[0]:.4g} to {rate[-1]:.4g}',
            colours=[5],
        ),
    ]
