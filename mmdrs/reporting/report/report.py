"""The report on a work directory: one HTML file, and its curves as PNG files beside it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.reporting.report.cards import cards, choose_cards
from mmdrs.reporting.report.charts import Chart, Line, write_png
from mmdrs.reporting.report.figures import THRESHOLD, Figures, MapFigures, compute_figures
from mmdrs.reporting.report.page import Content, render
from mmdrs.reporting.report.samples import MAP_STAGES, read_split
from mmdrs.reporting.report.scalars import TrainingCurves, read_training
from mmdrs.reporting.report.work_dir import WorkDir, open_work_dir

#: Images shown unless another number is asked for.
IMAGES = 24


def write_report(
    work_dir: str | Path,
    out: str | Path | None = None,
    images: int = IMAGES,
    split: str | None = None,
    data_root: str | Path | None = None,
) -> Path:
    """Write the report on a work directory of the pipeline.

    Args:
        work_dir: The work directory; stages that are not finished are named and left out.
        out: The HTML file; default ``report.html`` in the work directory. The curves go into
            ``<its name>_files`` beside it.
        images: How many images are shown: one half the worst, the other the best.
        split: ``train`` or ``val``; default ``val`` where there is such a list.
        data_root: Where the data are, if not where the settings say.

    Returns:
        The HTML file.

    Raises:
        InputError: If it is no work directory, nothing in it is finished, or files are missing.
    """
    if images < 0:
        raise InputError(f'the number of images must not be negative, got {images}')
    found = open_work_dir(work_dir)
    out = Path(out) if out else found.path / 'report.html'
    listed = read_split(found, split, data_root)
    figures = compute_figures(listed, found.settings.get('num_workers', 0))
    ranked_by, places = choose_cards(listed, figures, images)
    made, classes = cards(listed, figures, places, ranked_by)
    by_threshold, training = threshold_charts(figures), training_charts(found)
    page = render(
        Content(
            work_dir=found,
            split=listed,
            figures=figures,
            cards=made,
            card_classes=classes,
            ranked_by=ranked_by,
            threshold_charts=by_threshold,
            training_charts=training,
        )
    )
    for chart in (*by_threshold, *training):
        write_png(out.with_name(f'{out.stem}_files') / f'{chart.name}.png', chart)
    with written_whole(out) as temporary:
        temporary.write_text(page, encoding='utf-8')
    return out


def threshold_charts(figures: Figures) -> list[Chart]:
    """mIoU, precision and recall of all stages' maps by threshold."""
    if not figures.maps:
        return []
    kinds: dict[str, tuple[str, Callable[[MapFigures], np.ndarray]]] = {
        'miou': ('mIoU', lambda found: found.miou),
        'precision': ('Precision', lambda found: found.precision),
        'recall': ('Recall', lambda found: found.recall),
    }
    return [
        _threshold_chart(f'maps_{name}', title, {n: get(f) for n, f in figures.maps.items()})
        for name, (title, get) in kinds.items()
    ]


def _threshold_chart(name: str, title: str, values: dict[str, np.ndarray]) -> Chart:
    levels = np.linspace(0, 1, 256)
    lines = [
        Line(MAP_STAGES[stage], levels, values[stage], list(MAP_STAGES).index(stage))
        for stage in values
    ]
    fixed = int(np.ceil(np.float32(THRESHOLD) * 255))
    told = [f'{line.name} {line.y[fixed]:.1f}{_peak(line)}' for line in lines]
    return Chart(
        name=name,
        title=f'{title} by threshold',
        x_label='threshold',
        y_label='percent',
        lines=lines,
        text=f'at {THRESHOLD}: {"; ".join(told)}',
        mark=THRESHOLD,
        top=None if name == 'maps_miou' else 100.0,
    )


def _peak(line: Line) -> str:
    if not np.isfinite(line.y).any():
        return ''
    best = int(np.nanargmax(line.y))
    return f', highest {line.y[best]:.1f} at {line.x[best]:.2f}'


def training_charts(work_dir: WorkDir) -> list[Chart]:
    """Loss and learning rate of each finished training."""
    charts = []
    for name, done in work_dir.stages.items():
        curves = read_training(work_dir.path, name) if done.stage.kind == 'train' else None
        if curves is not None:
            charts += [_loss_chart(name, curves), _rate_chart(name, curves)]
    return charts


def _loss_chart(stage: str, curves: TrainingCurves) -> Chart:
    lines = [
        Line(name, curves.iterations, values, colour)
        for colour, (name, values) in enumerate(curves.losses.items())
    ]
    loss = curves.losses['loss']
    return Chart(
        name=f'{stage}_loss',
        title=f'{stage}: loss',
        x_label='iteration',
        y_label='as logged',
        lines=lines,
        text=f'from {loss[0]:.4g} to {loss[-1]:.4g} in {curves.iterations[-1]:.0f} iterations',
    )


def _rate_chart(stage: str, curves: TrainingCurves) -> Chart:
    return Chart(
        name=f'{stage}_rate',
        title=f'{stage}: learning rate',
        x_label='iteration',
        y_label='',
        lines=[Line('rate', curves.iterations, curves.rate, 5)],
        text=f'from {curves.rate[0]:.4g} to {curves.rate[-1]:.4g}',
    )
