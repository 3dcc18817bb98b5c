"""The scores of an ablation: ``ablation.json`` with all records, ``ablation.md`` with tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mmengine.dist import master_only
from prettytable import TableStyle

from ablation.planning import Trial
from ablation.variants import PLAIN, Variant
from mmdrs.apis.checkpoint import last_accuracy, latest_checkpoint
from mmdrs.evaluation.records.protocol import split_name
from mmdrs.evaluation.records.record import Evaluation, record_content
from mmdrs.evaluation.records.table import Level, render_table, score_rows
from mmdrs.files import write_json, written_whole

#: Version of ``ablation.json``.
FORMAT = 1
#: The columns, the first five as in the table of the pipeline.
HEADINGS = ('fixed', 'best*', 'coverage', 'precision', 'labels', 'to plain', 'accuracy')
NOTE = """\
Percent, mean ± sample standard deviation over the seeds. Maps: mIoU at the fixed threshold 0.2
(fixed) and at the best one (best*, chosen on the ground truth); coverage, the share of the objects
whose map exceeds 0.2; precision, the share of those pixels that lie on the object. labels: mIoU of
the pseudo labels that these maps and the background cue give; to plain: their difference to those
of the plain classifier, seed by seed. accuracy: right decisions of the classifier on image labels,
mean over its last epoch of training (augmented training images, and the weights as they were
then)."""


@dataclass(frozen=True)
class VariantResult:
    """The scores of one variant with one seed: the records of its maps and of their labels.

    ``plain`` names the plain classifier that it is compared with, ``accuracy`` is that of
    :func:`~mmdrs.apis.checkpoint.last_accuracy`.
    """

    variant: Variant
    plain: str
    seed: int
    accuracy: float | None
    evaluations: Sequence[Evaluation]

    def cells(self, split: str) -> dict[str, float]:
        """The scores of one list of images by the headings of the pipeline's table."""
        rows = [row for row in score_rows(self.evaluations) if row.split == split]
        return {name: level.mean for row in rows for name, level in row.cells.items()}


def read_result(trial: Trial) -> VariantResult:
    """The scores of a finished trial."""
    training, maps = trial.compared
    path = latest_checkpoint(training.folder)
    accuracy = last_accuracy(path) if path else None
    if accuracy is not None:
        accuracy = round(accuracy, 2)
    return VariantResult(trial.variant, trial.plain, trial.seed, accuracy, maps.evaluations())


@dataclass(frozen=True)
class Row:
    """One variant over its seeds, with the scores that there are by heading (:data:`HEADINGS`)."""

    variant: Variant
    plain: str
    seeds: int
    cells: dict[str, Level]

    @property
    def is_plain(self) -> bool:
        return self.variant.name == self.plain


def ablation_rows(
    results: Sequence[VariantResult], split: str, accuracy: bool = False
) -> list[Row]:
    """The rows of one list of images, plain classifiers first.

    ``accuracy`` adds the accuracy, which is that of the training images.
    """
    cells = {(r.variant.name, r.seed): r.cells(split) for r in results}
    values: dict[str, dict[str, list[float]]] = {}
    for result in results:
        own, plain = (cells[name, result.seed] for name in (result.variant.name, result.plain))
        if result.variant.name != result.plain and 'labels' in own and 'labels' in plain:
            own = {**own, 'to plain': own['labels'] - plain['labels']}
        if accuracy and result.accuracy is not None:
            own = {**own, 'accuracy': result.accuracy}
        found = values.setdefault(result.variant.name, {})
        for name, value in own.items():
            found.setdefault(name, []).append(value)
    rows = []
    for result in {result.variant.name: result for result in results}.values():
        found = values[result.variant.name]
        if found:
            levels = {name: Level.of(scores) for name, scores in found.items()}
            seeds = max(map(len, found.values()))
            rows.append(Row(result.variant, result.plain, seeds, levels))
    return sorted(rows, key=lambda row: (not row.is_plain, row.plain != PLAIN))


def ablation_table(rows: Sequence[Row]) -> str:
    """The rows in Markdown; columns that no row has are left out."""
    headings = [name for name in HEADINGS if any(name in row.cells for row in rows)]
    lines = []
    for row in rows:
        name = row.variant.name
        if not row.is_plain and row.plain != PLAIN:
            name = f'{name} (to {row.plain})'
        cells = [
            format(row.cells[h], '+.1f' if h == 'to plain' else '') if h in row.cells else ''
            for h in headings
        ]
        lines.append([name, row.seeds, *cells])
    return render_table(['variant', 'seeds', *headings], lines, 1, TableStyle.MARKDOWN)


def scored_splits(trials: Sequence[Trial]) -> list[str]:
    """Names of the lists that are scored, as in the records; that of the training first."""
    lists = trials[0].compared[1].splits.values()
    return list(dict.fromkeys(split_name(dict(ann_file=path)) for path in lists))


@master_only
def write_results(
    work_dir: Path, trials: Sequence[Trial], found: Mapping[str, VariantResult]
) -> None:
    """Write ``ablation.json`` and ``ablation.md``, in the order of the trials."""
    results = [found[trial.title] for trial in trials if trial.title in found]
    variants = {trial.variant.name: trial.variant for trial in trials if not trial.is_plain}
    settings = trials[0].settings.path.name
    content = dict(
        format=FORMAT,
        settings=settings,
        seeds=list(dict.fromkeys(trial.seed for trial in trials)),
        variants=[asdict(variant) for variant in variants.values()],
        results=[
            dict(
                variant=result.variant.name,
                plain=result.plain,
                seed=result.seed,
                accuracy=result.accuracy,
                records=[record_content(evaluation) for evaluation in result.evaluations],
            )
            for result in results
        ],
    )
    write_json(work_dir / 'ablation.json', content)
    merged = trials[0].folder.relative_to(work_dir) / 'settings.py'
    text = [f'# Variants of {settings}', NOTE, f'All settings: `{merged}`.']
    if len(results) < len(trials):
        text.append(f'**{len(results)} of {len(trials)} runs are finished.**')
    for number, split in enumerate(scored_splits(trials)):
        rows = ablation_rows(results, split, accuracy=number == 0)
        if rows:
            text += [f'## Images of {split}', ablation_table(rows)]
    if all(result.accuracy is None for result in results):
        text.append('The trainings logged no accuracy of the image labels.')
    text += ['## Options of the variants', '\n'.join(map(_described, variants.values()))]
    with written_whole(work_dir / 'ablation.md') as temporary:
        temporary.write_text('\n\n'.join(text) + '\n', encoding='utf-8')


def _described(variant: Variant) -> str:
    options = []
    for key, value in variant.options.items():
        if isinstance(value, dict):
            value = {name: item for name, item in value.items() if name != '_delete_'}
        options.append(f'`{key}={value!r}`')
    return f'* {variant.name}: {", ".join(options) or "the settings as they are"}'
