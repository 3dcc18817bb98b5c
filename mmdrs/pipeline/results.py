"""The results of a pipeline run: a list of records, and the table made of them."""

import statistics
from pathlib import Path
from typing import Any

from prettytable import PrettyTable

from mmdrs.pipeline.state import write_json

#: The table's columns: the metric's name in the records and its heading.
COLUMNS = (
    ('mIoU_fixed', 'fixed'),
    ('mIoU_swept', 'best*'),
    ('coverage', 'coverage'),
    ('precision', 'precision'),
    ('mIoU_pseudo', 'labels'),
    ('mIoU', 'mIoU'),
    ('mIoU_crf', 'with CRF'),
    ('mIoU_written', '255=miss'),
)
NOTE = """\
Percent. Maps: mIoU at the fixed threshold 0.2 and at the best one (* chosen on the ground truth);
coverage, the share of the objects whose map exceeds 0.2; precision, the share of those pixels
that lie on the object; labels, mIoU of the labels which these maps and the background cue give.
255=miss: mIoU of the label files, whose ignored pixels count as misses."""


def write_results(path: Path, records: list[dict[str, Any]]) -> None:
    """Write the records ``{stage, metric, value, split, seed}``, values 0..100."""
    write_json(path, records)


def results_table(records: list[dict[str, Any]]) -> str:
    """One row for each stage and split, one column for each metric that occurs.

    Records of several seeds are averaged; behind the mean stands the sample standard deviation.
    """
    columns = [c for c in COLUMNS if any(r['metric'] == c[0] for r in records)]
    table = PrettyTable(['stage', 'split', *(heading for _, heading in columns)])
    table.align = 'r'
    table.align['stage'] = table.align['split'] = 'l'
    rows: dict[tuple[str, str], dict[str, list[float]]] = {}
    for record in records:
        row = rows.setdefault((record['stage'], record['split']), {})
        row.setdefault(record['metric'], []).append(record['value'])
    for (stage, split), row in rows.items():
        cells = (_cell(row.get(metric, [])) for metric, _ in columns)
        table.add_row([stage, split, *cells])
    return f'{table}\n{NOTE}' if rows else 'nothing was scored: there are no masks'


def _cell(values: list[float]) -> str:
    if not values:
        return ''
    spread = f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else ''
    return f'{statistics.mean(values):.1f}{spread}'
