"""Tables, records and plots of an ablation."""

import json
import statistics
from pathlib import Path

import pytest
import torch
from PIL import Image

from ablation import Variant
from ablation.plots import draw_by_delta, draw_by_variant
from ablation.results import Row, VariantResult, ablation_rows, ablation_table
from mmdrs.apis.checkpoint import last_accuracy
from mmdrs.evaluation.records.record import Evaluation, Protocol, Score, read_evaluations
from mmdrs.evaluation.records.table import Level
from tests.tools.ablation.runs import SEEDS, tables


def test_table_is_the_mean_of_the_results(done: Path) -> None:
    """Every score restated from the pipeline's own results."""
    found: dict[str, dict[tuple[str, str], list[float]]] = {}
    for name in ('plain', 'd0.4', 'd0.8'):
        for seed in SEEDS:
            stage = 'plain_maps' if name == 'plain' else 'drs_maps'
            results = read_evaluations(done / f'seed_{seed}' / name / 'results.json')
            for evaluation in results:
                if evaluation.stage == stage:
                    assert (evaluation.seed, evaluation.split) == (seed, 'train')
                    for score in evaluation.scores:
                        column = found.setdefault(name, {})
                        column.setdefault((evaluation.task, score.metric), []).append(score.value)
    rows = tables((done / 'ablation.md').read_text())
    assert list(rows[0])[:2] == ['variant', 'seeds']
    assert [row['variant'] for row in rows] == ['plain', 'd0.4', 'd0.8']
    labels = ('pseudo', 'mIoU')
    columns = {'fixed': ('seed', 'mIoU_fixed'), 'best*': ('seed', 'mIoU_swept'), 'labels': labels}
    columns |= {name: ('seed', name) for name in ('coverage', 'precision')}
    for row in rows:
        values = found[row['variant']]
        assert row['seeds'] == '2'
        for heading, key in columns.items():
            mean, spread = statistics.mean(values[key]), statistics.stdev(values[key])
            assert row[heading] == f'{mean:.1f} ± {spread:.1f}'
        pairs = zip(values[labels], found['plain'][labels], strict=True)
        change = [own - plain for own, plain in pairs]
        expected = f'{statistics.mean(change):+.1f} ± {statistics.stdev(change):.1f}'
        assert row['to plain'] == ('' if row['variant'] == 'plain' else expected)


def test_json_holds_the_records(done: Path) -> None:
    """Those of the pipeline, unchanged, with variant and seed beside them."""
    content = json.loads((done / 'ablation.json').read_text())
    assert content['seeds'] == [0, 1]
    assert [variant['delta'] for variant in content['variants']] == [0.4, 0.8]
    found = [(result['variant'], result['seed']) for result in content['results']]
    assert found == [(name, seed) for seed in SEEDS for name in ('plain', 'd0.4', 'd0.8')]
    for result in content['results']:
        assert result['plain'] == 'plain' and 0 <= result['accuracy'] <= 100
        folder = done / f'seed_{result["seed"]}' / result['variant']
        stage = 'plain_maps' if result['variant'] == 'plain' else 'drs_maps'
        results = json.loads((folder / 'results.json').read_text())
        assert result['records'] == [record for record in results if record['stage'] == stage]
        assert sorted(record['task'] for record in result['records']) == ['pseudo', 'seed']


def test_accuracy_is_that_of_the_last_epoch(done: Path) -> None:
    folder = done / 'seed_0' / 'd0.4' / 'drs_classifier'
    # Our own file, just written: its history is no plain tensor.
    checkpoint = torch.load(folder / 'epoch_1.pth', weights_only=False)
    history = checkpoint['message_hub']['log_scalars']['train/decode.acc_cls']
    values, _ = history.data
    assert len(values) == 3  # six images in pairs
    assert last_accuracy(folder / 'epoch_1.pth') == pytest.approx(float(values.mean()))
    results = json.loads((done / 'ablation.json').read_text())['results']
    found = {(result['variant'], result['seed']): result['accuracy'] for result in results}
    assert found['d0.4', 0] == pytest.approx(float(values.mean()), abs=0.006)
    (row,) = [r for r in tables((done / 'ablation.md').read_text()) if r['variant'] == 'd0.4']
    mean = statistics.mean(found['d0.4', seed] for seed in SEEDS)
    assert row['accuracy'].startswith(f'{mean:.1f} ± ')


def test_plots_of_a_run(done: Path) -> None:
    for name in ('miou_by_delta', 'coverage_by_delta', 'accuracy_by_delta', 'labels_by_variant'):
        with Image.open(done / f'{name}.png') as picture:
            assert min(picture.size) > 100


def result(variant: str, plain: str, seed: int, labels: float) -> VariantResult:
    score = Score('mIoU', labels, Protocol(), {})
    record = Evaluation('pseudo', 'tiny', 'val', 6, 'drs', 'drs_maps', seed, [score], {'time': ''})
    return VariantResult(Variant(variant), plain, seed, 97.25 + seed, [record])


def test_rows_are_compared_with_their_own_plain() -> None:
    results = [
        result('plain', 'plain', 0, 50.0),
        result('slow', 'plain of slow', 0, 64.0),
        result('plain of slow', 'plain of slow', 0, 60.0),
        result('d0.5', 'plain', 0, 49.0),
        result('plain', 'plain', 1, 52.0),
        result('d0.5', 'plain', 1, 53.0),
    ]
    rows = ablation_rows(results, 'val')
    assert tables(ablation_table(rows)) == [
        dict(zip(('variant', 'seeds', 'labels', 'to plain'), cells, strict=True))
        for cells in (
            ('plain', '2', '51.0 ± 1.4', ''),
            ('plain of slow', '1', '60.0', ''),
            ('d0.5', '2', '51.0 ± 2.8', '+0.0 ± 1.4'),
            ('slow (to plain of slow)', '1', '64.0', '+4.0'),
        )
    ]
    assert ablation_rows(results, 'train') == []
    accuracies = [row.cells['accuracy'] for row in ablation_rows(results, 'val', accuracy=True)]
    assert accuracies[:2] == [Level.of([97.25, 98.25]), Level(97.25)]


def test_plots(tmp_path) -> None:
    rows = [
        Row(Variant(name, {}, delta, layers), 'plain', 2, {'fixed': level, 'labels': level})
        for name, delta, layers, level in (
            ('plain', None, None, Level(30.0, 3.0)),
            ('a$b', 0.3, '$a', Level(40.0, 2.0)),
            ('c', 0.5, '$a', Level(45.0)),
            ('d', 'learnable', '$a', Level(44.0, 1.0)),
            ('e', 'learnable', 'deep', Level(43.0)),
            ('f', None, None, Level(43.0)),
        )
    ]
    draw_by_delta(tmp_path / 'by_delta.png', rows, {'fixed': 'both', 'labels': 'again'})
    draw_by_delta(tmp_path / 'learned.png', rows[3:], {'fixed': 'learned only'})
    draw_by_variant(tmp_path / 'variants.png', rows, 'labels', 'mIoU')
    draw_by_variant(tmp_path / 'without_plain.png', rows[1:], 'labels', 'mIoU')
    for path in tmp_path.glob('*.png'):
        with Image.open(path) as picture:
            assert picture.width > picture.height > 100
    assert len(list(tmp_path.iterdir())) == 4
