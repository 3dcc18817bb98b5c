"""The report on a work directory: one HTML file, and its curves as PNG files beside it."""

from pathlib import Path

import numpy as np

from mmdrs.errors import InputError
from mmdrs.evaluation.records.table import NOTE, score_rows, used_columns
from mmdrs.files import written_whole
from mmdrs.pseudo_labels.constants import MAP_THRESHOLD
from mmdrs.pseudo_labels.label_file import VOID_COLOUR
from mmdrs.reporting.report.counting import SIZES, extremes, shares
from mmdrs.reporting.report.image_cards import make_cards
from mmdrs.reporting.report.line_charts import stage_colour, threshold_charts, training_charts
from mmdrs.reporting.report.listed_images import (
    LABEL_STAGES,
    MAP_STAGES,
    SHOWN_STAGES,
    list_images,
)
from mmdrs.reporting.report.reported_run import read_run
from mmdrs.reporting.report.stage_statistics import compute_statistics
from mmdrs.reporting.report.training_log import read_training
from mmdrs.reporting.templates import render_page

#: Images shown unless another number is asked for.
IMAGES = 24
#: The colour of each stage's bars; of maps the same as of their lines.
_COLOURS = {name: stage_colour(name) for name in SHOWN_STAGES}


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
        data_root: Where the data are, if not where the run had them.

    Returns:
        The HTML file.

    Raises:
        InputError: If it is no work directory, nothing in it is finished, or files are missing or
            damaged.
    """
    if images < 0:
        raise InputError(f'the number of images must not be negative, got {images}')
    run = read_run(work_dir)
    out = Path(out) if out else run.path / 'report.html'
    listed = list_images(run, split, data_root)
    statistics = compute_statistics(listed, int(run.settings.get('num_workers') or 0))
    ranked_by = next(reversed(statistics.scored), None)
    unscored = [np.nan] * len(listed.images)
    scores = statistics.labels[ranked_by].scores if ranked_by else unscored
    shown = extremes(np.array(scores), images)
    trained = [name for name, stage in run.stages.items() if stage.kind == 'train']
    curves = {name: read_training(run.path / name) for name in trained}
    training = [c for name, found in curves.items() if found for c in training_charts(name, found)]
    by_threshold = threshold_charts(statistics.maps)
    rows = score_rows([e for stage in run.stages.values() for e in stage.evaluations])
    page = render_page(
        Path(__file__).with_name('report.html.j2'),
        name=run.path.resolve().name,
        run=run,
        seconds=sum(stage.seconds for stage in run.stages.values()),
        left_out=[*run.left_out, *listed.left_out],
        score_rows=rows,
        score_columns=used_columns(rows),
        note=NOTE,
        listed=listed,
        statistics=statistics,
        cards=make_cards(listed, statistics, shown.tolist(), ranked_by),
        ranked_by=ranked_by,
        by_threshold=by_threshold,
        training=training,
        without_log=[name for name, found in curves.items() if not found],
        map_stages=MAP_STAGES,
        label_stages=LABEL_STAGES,
        colours=_COLOURS,
        void_colour=VOID_COLOUR,
        sizes=SIZES,
        threshold=MAP_THRESHOLD,
        shares=shares,
    )
    for chart in (*by_threshold, *training):
        chart.write_png(out.with_name(f'{out.stem}_files'))
    with written_whole(out) as temporary:
        temporary.write_text(page, encoding='utf-8')
    return out
