"""The figures of an ablation: records, table, plots."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process

from mmdrs.apis import read_checkpoint
from mmdrs.files import write_json, written_whole
from mmdrs.pipeline.ablation.planning import LAST, AblationRun
from mmdrs.pipeline.ablation.plots import Curve, Level, Panel, draw_by_delta, draw_variants
from mmdrs.pipeline.ablation.variants import PLAIN, Variant
from mmdrs.pipeline.state import StageState

ACCURACY = 'acc_cls'
LABELS = 'mIoU_pseudo'
TO_PLAIN = 'to plain'
#: The table's columns: the metric's name in the records and its heading.
COLUMNS = (
    ('mIoU_fixed', 'fixed'),
    ('mIoU_swept', 'best'),
    ('coverage', 'coverage'),
    ('precision', 'precision'),
    (LABELS, 'labels'),
    (ACCURACY, 'accuracy'),
)
NOTE = """\
Percent, mean ± sample standard deviation over the seeds. Maps: mIoU at the fixed threshold 0.2
(*fixed*) and at the one that is best on the ground truth (*best*); *coverage*, the share of the
objects whose map exceeds 0.2; *precision*, the share of those pixels that lie on the object.
*labels*: mIoU of the labels which these maps and the background cue give; *to plain*: their
difference to those of the plain classifier, seed by seed. *accuracy*: right decisions of the
classifier on image labels, mean over its last epoch of training (augmented training images, and
the weights as they were then)."""


def read_records(run: AblationRun) -> list[dict[str, Any]]:
    """The figures of a finished run."""
    stage = LAST if run.variant else 'plain_maps'
    done = StageState(run.folder / stage).done
    figures = [(r['split'], r['metric'], r['value']) for r in done['records']]
    accuracy = last_accuracy(
        run.folder / ('drs_classifier' if run.variant else 'plain_classifier')
    )
    if accuracy is not None:
        figures.append(('train', ACCURACY, round(accuracy, 2)))
    variant = run.variant or Variant(run.label)
    head = dict(variant=run.label, delta=variant.delta, layers=variant.layers, plain=run.plain)
    return [
        dict(head, seed=run.seed, split=split, metric=metric, value=value)
        for split, metric, value in figures
    ]


def last_accuracy(folder: Path) -> float | None:
    """Mean over the last epoch of the accuracy that a classifier's training logged, 0..100.

    It is taken from the checkpoint: MMEngine's visualiser writes the scalars of all trainings of
    a process into the folder of the first. None where the training did not log it.
    """
    pointer = folder / 'last_checkpoint'
    path = folder / Path(pointer.read_text().strip()).name if pointer.is_file() else None
    if path is None or not path.is_file():
        return None
    checkpoint = read_checkpoint(str(path))
    scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
    history = next((v for k, v in scalars.items() if k.split('.')[-1] == ACCURACY), None)
    if history is None:
        return None
    meta = checkpoint['meta']
    return float(history.mean(max(1, meta['iter'] // max(1, meta['epoch']))))


@dataclass(frozen=True)
class Row:
    """One variant over its seeds.

    Attributes:
        variant: Its name.
        delta: See :class:`Variant`.
        layers: See :class:`Variant`.
        plain: Name of the plain classifier it is compared with.
        values: The values by metric, one for each seed, and under :data:`TO_PLAIN` the differences
            of the labels, seed by seed.
    """

    variant: str
    delta: float | str | None
    layers: str | None
    plain: str
    values: dict[str, list[float]]

    def level(self, metric: str) -> Level | None:
        """Mean and sample standard deviation (None of one seed) of a metric."""
        values = self.values.get(metric)
        if not values:
            return None
        return Level(
            statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None
        )


def make_rows(records: Sequence[Mapping[str, Any]], split: str) -> list[Row]:
    """The rows of one split, plain classifiers first."""
    labels = {
        (r['variant'], r['seed']): r['value']
        for r in records
        if (r['split'], r['metric']) == (split, LABELS)
    }
    rows: dict[str, Row] = {}
    for record in records:
        if record['split'] != split:
            continue
        name, plain = record['variant'], record['plain']
        row = rows.setdefault(name, Row(name, record['delta'], record['layers'], plain, {}))
        row.values.setdefault(record['metric'], []).append(record['value'])
        reference = labels.get((plain, record['seed']))
        if record['metric'] == LABELS and name != plain and reference is not None:
            row.values.setdefault(TO_PLAIN, []).append(record['value'] - reference)
    return sorted(rows.values(), key=lambda row: (row.variant != row.plain, row.plain != PLAIN))


def ablation_table(rows: Sequence[Row]) -> str:
    """The rows in Markdown; columns that no row has are left out."""
    columns = [c for c in COLUMNS if any(c[0] in row.values for row in rows)]
    if (LABELS, 'labels') in columns:
        columns.insert(columns.index((LABELS, 'labels')) + 1, (TO_PLAIN, 'to plain'))
    lines = ['| variant | seeds | ' + ' | '.join(heading for _, heading in columns) + ' |']
    lines.append('|---|---' + '|---:' * len(columns) + '|')
    for row in rows:
        name = row.variant
        if row.variant != row.plain != PLAIN:
            name = f'{name} (to {row.plain})'
        count = max(len(values) for values in row.values.values())
        cells = [_cell(row.level(metric), metric == TO_PLAIN) for metric, _ in columns]
        lines.append(f'| {name} | {count} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def _cell(level: Level | None, signed: bool) -> str:
    if level is None:
        return ''
    spread = '' if level.spread is None else f' ± {level.spread:.1f}'
    return f'{level.mean:{"+" if signed else ""}.1f}{spread}'


def write_tables(
    work_dir: Path, runs: Sequence[AblationRun], found: Mapping[str, list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Write ``ablation.json`` and ``ablation.md``; returns the records in the runs' order."""
    records = [record for run in runs for record in found.get(run.title, [])]
    if not is_main_process():
        return records
    variants = {run.label: asdict(run.variant) for run in runs if run.variant}
    seeds = list(dict.fromkeys(run.seed for run in runs))
    settings = runs[0].settings.path.name
    content = dict(settings=settings, seeds=seeds, variants=list(variants.values()))
    write_json(work_dir / 'ablation.json', dict(content, records=records))
    merged = runs[0].folder.relative_to(work_dir) / 'settings.py'
    text = [f'# Variants of {settings}', NOTE, f'All settings: `{merged}`.']
    if len(found) < len(runs):
        text.append(f'**{len(found)} of {len(runs)} runs are finished.**')
    for split in dict.fromkeys(record['split'] for record in records):
        text += [f'## Images of {split}', ablation_table(make_rows(records, split))]
    if not any(record['metric'] == ACCURACY for record in records):
        text.append('The trainings logged no accuracy of the image labels.')
    described = '\n'.join(_described(variant) for variant in variants.values())
    text += ['## Options of the variants', described]
    with written_whole(work_dir / 'ablation.md') as temporary:
        temporary.write_text('\n\n'.join(text) + '\n', encoding='utf-8')
    return records


def _described(variant: Mapping[str, Any]) -> str:
    options = []
    for key, value in variant['options'].items():
        if isinstance(value, dict):
            value = {name: item for name, item in value.items() if name != '_delete_'}
        options.append(f'`{key}={value!r}`')
    return f'* {variant["name"]}: {", ".join(options) or "the settings as they are"}'


#: Plots by delta: file, and the metric and title of each panel.
_PLOTS = {
    'miou_by_delta.png': (
        ('mIoU_fixed', 'mIoU of maps, threshold 0.2'),
        ('mIoU_swept', 'mIoU of maps, best threshold'),
        (LABELS, 'mIoU of labels'),
    ),
    'coverage_by_delta.png': (('coverage', 'coverage'), ('precision', 'precision')),
    'accuracy_by_delta.png': ((ACCURACY, 'accuracy of image labels'),),
}


def draw_plots(work_dir: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Draw what the records hold, of the training images."""
    rows = make_rows(records, 'train')
    for name, panels in _PLOTS.items():
        drawn = [_panel(rows, metric, title) for metric, title in panels]
        drawn = [panel for panel in drawn if panel.curves]
        if drawn:
            draw_by_delta(work_dir / name, drawn)
    levels = {row.variant: row.level(LABELS) for row in rows if row.values.get(LABELS)}
    if levels:
        plain = levels.pop(PLAIN, None)
        draw_variants(work_dir / 'labels_by_variant.png', levels, plain, 'mIoU of labels')


def _panel(rows: Sequence[Row], metric: str, title: str) -> Panel:
    """The curves of a metric, one for each group of layers."""
    groups: dict[str, dict[float, Level]] = {}
    learnable: dict[str, Level] = {}
    plain = None
    for row in rows:
        level = row.level(metric)
        if level is None:
            continue
        if row.variant == PLAIN:
            plain = level
        elif row.delta == 'learnable':
            learnable[row.layers] = level
        elif row.delta is not None:
            groups.setdefault(row.layers, {})[row.delta] = level
    names = dict.fromkeys([*groups, *learnable])
    curves = [
        Curve(name or 'DRS', dict(sorted(groups.get(name, {}).items())), learnable.get(name))
        for name in names
    ]
    return Panel(title, curves, plain)
