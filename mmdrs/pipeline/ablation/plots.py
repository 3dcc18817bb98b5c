"""Plots of an ablation: figures by the control of DRS, and by variant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmdrs.files import written_whole

#: Told apart by the colour-blind too (Okabe and Ito).
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#7a6a00', '#56707f')
MARKERS = 'osD^vP'
PLAIN_COLOUR = '#777777'


@dataclass(frozen=True)
class Level:
    """A figure over seeds.

    Attributes:
        mean: Mean, percent.
        spread: Sample standard deviation; None of one seed.
    """

    mean: float
    spread: float | None = None


@dataclass(frozen=True)
class Curve:
    """A group of layers.

    Attributes:
        name: What the legend calls it.
        by_delta: The figure for each constant control, ascending.
        learnable: The figure with the learned control, None without.
    """

    name: str
    by_delta: Mapping[float, Level]
    learnable: Level | None = None


@dataclass(frozen=True)
class Panel:
    """One metric.

    Attributes:
        title: Its heading.
        curves: The groups of layers.
        plain: The figure without DRS, a horizontal band.
    """

    title: str
    curves: Sequence[Curve]
    plain: Level | None = None


def draw_by_delta(path: Path, panels: Sequence[Panel]) -> None:
    """Draw metrics by the constant control, side by side.

    The learned control stands right of the largest constant one.

    Args:
        path: The PNG to write.
        panels: The metrics, at least one.
    """
    figure = Figure(figsize=(4.2 * len(panels), 3.4), layout='constrained')
    canvas = FigureCanvasAgg(figure)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw_panel(axes, panel)
    _save(canvas, path)


def draw_variants(
    path: Path, levels: Mapping[str, Level], plain: Level | None, title: str
) -> None:
    """Draw one metric of all variants, one below the other.

    Args:
        path: The PNG to write.
        levels: The figure of each variant.
        plain: The figure without DRS, a vertical band; None draws none.
        title: What the figure is.
    """
    figure = Figure(figsize=(6, 1.2 + 0.26 * len(levels)), layout='constrained')
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    if plain is not None:
        axes.axvline(plain.mean, color=PLAIN_COLOUR, linestyle='--', label='plain')
        axes.axvspan(*_ends(plain), color=PLAIN_COLOUR, alpha=0.2, linewidth=0)
        axes.legend(fontsize=8)
    means = [level.mean for level in levels.values()]
    spreads = [level.spread or 0.0 for level in levels.values()]
    places = np.arange(len(levels))
    axes.errorbar(means, places, xerr=spreads, fmt='o', color=COLOURS[0], capsize=3)
    axes.set_yticks(places, [_plain_text(name) for name in levels])
    axes.invert_yaxis()
    axes.set_xlabel(f'{title} (%), mean ± standard deviation')
    axes.grid(alpha=0.3)
    _save(canvas, path)


def _draw_panel(axes: Axes, panel: Panel) -> None:
    if panel.plain is not None:
        axes.axhline(panel.plain.mean, color=PLAIN_COLOUR, linestyle='--', label='plain')
        axes.axhspan(*_ends(panel.plain), color=PLAIN_COLOUR, alpha=0.2, linewidth=0)
    deltas = sorted({delta for curve in panel.curves for delta in curve.by_delta})
    step = min(np.diff(deltas), default=0.1)
    learnable_at = (deltas[-1] if deltas else 0.0) + 1.5 * step
    for number, curve in enumerate(panel.curves):
        _draw_curve(axes, curve, learnable_at, number)
    ticks, names = list(deltas), [f'{delta:g}' for delta in deltas]
    if any(curve.learnable for curve in panel.curves):
        ticks, names = [*ticks, learnable_at], [*names, 'learned']
    axes.set_xticks(ticks, names)
    axes.set_xlabel('control (delta)')
    axes.set_ylabel('%')
    axes.set_title(panel.title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _draw_curve(axes: Axes, curve: Curve, learnable_at: float, number: int) -> None:
    colour = COLOURS[number % len(COLOURS)]
    marker = MARKERS[number % len(MARKERS)]
    name = _plain_text(curve.name)
    if curve.by_delta:
        means = np.array([level.mean for level in curve.by_delta.values()])
        spreads = np.array([level.spread or 0.0 for level in curve.by_delta.values()])
        deltas = list(curve.by_delta)
        axes.plot(deltas, means, color=colour, marker=marker, label=name)
        axes.fill_between(
            deltas, means - spreads, means + spreads, color=colour, alpha=0.2, linewidth=0
        )
    if curve.learnable:
        # Moved a little by its number: groups often score alike.
        axes.errorbar(
            learnable_at * (1 + 0.01 * number),
            curve.learnable.mean,
            yerr=curve.learnable.spread or 0.0,
            color=colour,
            marker=marker,
            capsize=3,
            linestyle='',
            label=None if curve.by_delta else name,
        )


def _ends(level: Level) -> tuple[float, float]:
    spread = level.spread or 0.0
    return level.mean - spread, level.mean + spread


def _plain_text(text: str) -> str:
    """Text that matplotlib does not take for mathematics."""
    return text.replace('$', r'\$')


def _save(canvas: FigureCanvasAgg, path: Path) -> None:
    with written_whole(path) as temporary:
        canvas.figure.savefig(temporary, dpi=110)
