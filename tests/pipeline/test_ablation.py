"""Two controls with two seeds on six tiny images: shared stages, scores, resuming, errors."""

import argparse
import json
import os
import re
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from mmengine.config import DictAction
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, Protocol, Score, read_evaluations
from mmdrs.evaluation.records.table import Level
from mmdrs.models.layers.drs import DRS, LearnableDRS
from mmdrs.pipeline import load_settings, run_pipeline
from mmdrs.pipeline.ablation import (
    Variant,
    ablation_rows,
    ablation_table,
    check_trials,
    last_accuracy,
    plan_trials,
    read_variants,
    run_ablation,
    sweep,
)
from mmdrs.pipeline.ablation.plots import draw_by_delta, draw_by_variant
from mmdrs.pipeline.ablation.results import Row, VariantResult
from mmdrs.pipeline.runs import KINDS
from mmdrs.pipeline.runs.maps import MapRun
from mmdrs.pipeline.runs.training_checks import check_training
from tests.pipeline_runs import ROOT, SETTINGS, tiny_options

SEEDS = (0, 1)
PLAIN_STAGES = ('pretraining', 'plain_classifier', 'plain_maps')
DRS_STAGES = ('drs_classifier', 'drs_maps')
# No maps of a second list; a `pretraining`, the stage that all others start from.
SHORT = ('val_list=', 'classifier_epochs=1', 'pretraining.train_cfg.max_epochs=1')
SHORT += ('stages.pretraining=pretraining_custom.py',)


def options_of(data: Path) -> dict:
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction)
    return parser.parse_args(['--options', *tiny_options(data), *SHORT]).options


def variants_of(data: Path) -> list[Variant]:
    return sweep(load_settings(SETTINGS, options_of(data)), deltas=(0.4, 0.8))


def ablate(
    data: Path, work_dir: Path, variants: Sequence[Variant] | None = None
) -> list[VariantResult]:
    variants = variants_of(data) if variants is None else variants
    return run_ablation(SETTINGS, options_of(data), variants, SEEDS, work_dir)


def made(work_dir: Path) -> dict[str, int]:
    """Modification times of all weights and maps; what is linked counts once."""
    found = {}
    for folder, _, names in os.walk(work_dir, followlinks=False):
        for path in (Path(folder) / name for name in names if name.endswith(('.pth', '.npz'))):
            found[str(path.relative_to(work_dir))] = path.stat().st_mtime_ns
    return found


@pytest.fixture(scope='module')
def done(tmp_path_factory: pytest.TempPathFactory, tiny_voc: Path) -> Path:
    """Work directory of a finished ablation. Tests must not change it."""
    work_dir = tmp_path_factory.mktemp('ablation')
    ablate(tiny_voc, work_dir)
    return work_dir


@pytest.fixture
def copied(done: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done, tmp_path / 'copied', symlinks=True))


def test_plain_stages_are_made_once_for_a_seed(done: Path, tiny_voc: Path, tmp_path) -> None:
    files = made(done)
    for stage in ('pretraining', 'plain_classifier'):
        expected = {f'seed_{seed}/plain/{stage}/epoch_1.pth' for seed in SEEDS}
        assert {name for name in files if f'/{stage}/' in name} == expected
    trained = {name for name in files if '/drs_classifier/' in name}
    assert len(trained) == 4
    for name in trained:  # a variant's training began when the shared ones had ended
        shared = name.split('/')[0] + '/plain/pretraining/epoch_1.pth'
        assert files[shared] < files[name]
    assert len([name for name in files if '/plain_maps/' in name]) == 2 * 6
    assert len([name for name in files if '/drs_maps/' in name]) == 4 * 6


def test_pipeline_takes_a_variant_for_its_own(copied: Path, tiny_voc: Path, capsys) -> None:
    """The fingerprints are those of the pipeline: it finds all stages finished."""
    folder = copied / 'seed_1' / 'd0.4'
    before = made(copied)
    changes = variants_of(tiny_voc)[0].options
    settings = load_settings(SETTINGS, {**options_of(tiny_voc), **changes, 'seed': 1})
    run_pipeline(settings, folder, last='drs_maps')
    assert capsys.readouterr().out.count('finished and unchanged: skipped') == 5
    assert made(copied) == before


def tables(text: str) -> list[dict[str, str]]:
    """The rows of all Markdown tables, by heading."""
    found, head = [], None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split('|')[1:-1]]
        if not cells:
            head = None
        elif head is None:
            head = cells
        elif not re.fullmatch(r'[-: ]+', cells[0]):
            found.append(dict(zip(head, cells, strict=True)))
    return found


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
    assert last_accuracy(folder) == pytest.approx(float(values.mean()))
    assert last_accuracy(done) is None
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


def test_second_call_does_nothing(copied: Path, tiny_voc: Path, capsys) -> None:
    before, table = made(copied), (copied / 'ablation.md').read_text()
    ablate(tiny_voc, copied)
    assert made(copied) == before
    assert (copied / 'ablation.md').read_text() == table
    printed = capsys.readouterr().out
    assert printed.count('finished and unchanged, skipped') == 6
    assert 'run 6 of 6: d0.8, seed 1' in printed


def scores(content: dict) -> list[tuple]:
    """All scores of ``ablation.json``, in order."""
    return [
        (result['variant'], result['seed'], record['task'], score['metric'], score['value'])
        for result in content['results']
        for record in result['records']
        for score in record['scores']
    ]


def test_goes_on_after_a_kill(copied: Path, tiny_voc: Path, capsys, monkeypatch) -> None:
    """Killed between training and maps of the last of two runs that were to be made."""
    expected = json.loads((copied / 'ablation.json').read_text())
    for seed in SEEDS:
        shutil.rmtree(copied / f'seed_{seed}' / 'd0.4')
    lost = copied / 'seed_1' / 'd0.4'
    before = made(copied)
    run_stage = MapRun.run

    def killed(self: MapRun, resume: bool) -> None:
        if (self.stage.name, self.settings['seed']) == ('drs_maps', 1):
            raise KeyboardInterrupt
        run_stage(self, resume)

    with monkeypatch.context() as patched:
        patched.setattr(MapRun, 'run', killed)
        with pytest.raises(KeyboardInterrupt):
            ablate(tiny_voc, copied)
    # What comes after the run that was killed is in the table as well.
    assert '**5 of 6 runs are finished.**' in (copied / 'ablation.md').read_text()
    trained = (lost / 'drs_classifier' / 'epoch_1.pth').stat().st_mtime_ns
    capsys.readouterr()
    ablate(tiny_voc, copied)
    printed = capsys.readouterr().out
    assert printed.count('finished and unchanged, skipped') == 5
    assert 'left for all runs)' in printed
    assert 'goes on where it was stopped' in printed
    assert (lost / 'drs_classifier' / 'epoch_1.pth').stat().st_mtime_ns == trained
    after = made(copied)
    assert {name: after[name] for name in before} == before
    assert scores(json.loads((copied / 'ablation.json').read_text())) == scores(expected)


def test_changed_option_reruns_only_its_variant(copied: Path, tiny_voc: Path) -> None:
    first, second = variants_of(tiny_voc)
    rate = {'drs_classifier.optim_wrapper.optimizer.lr': 0.02}
    changed = Variant(second.name, {**second.options, **rate}, second.delta, second.layers)
    before = made(copied)
    prints = {
        folder: json.loads((folder / 'done.json').read_text())['fingerprint'][:8]
        for folder in copied.glob('seed_*/d0.8/drs_*')
    }
    assert len(prints) == 4
    ablate(tiny_voc, copied, [first, changed])
    after = made(copied)
    for name, time in before.items():
        seed, variant, stage, rest = name.split('/', 3)
        if variant == 'd0.8':
            aside = f'{stage}.{prints[copied / seed / variant / stage]}'
            assert after[f'{seed}/{variant}/{aside}/{rest}'] == time  # nothing is lost
            assert after[name] != time
        else:
            assert after[name] == time
    # The first command again: what it had made is taken up.
    ablate(tiny_voc, copied)
    again = made(copied)
    assert {name: again[name] for name in before} == before
    assert len(again) == len(after)


# --- Without training ----------------------------------------------------------------------------


def plan(tmp_path: Path, data: Path, options: dict, variants: Sequence[Variant], seeds=(0,)):
    scratch = tmp_path / 'scratch'
    scratch.mkdir(exist_ok=True)
    base = {**options_of(data), **options}
    return plan_trials(SETTINGS, base, variants, seeds, tmp_path / 'work', scratch)


def drs_of(trial) -> dict[str, torch.nn.Module]:
    """The DRS layers of a planned trial's model, by name."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(trial.stages['drs_classifier'].config().model)
    return {n: m for n, m in model.named_modules() if isinstance(m, (DRS, LearnableDRS))}


def test_variant_that_changes_plain_stages_gets_its_own(tmp_path, tiny_voc) -> None:
    rate = {'classifier_optimizer': {'lr': 0.02}}
    variants = [
        Variant('small', {'drs.delta': 0.4}),
        Variant('fast', rate),
        Variant('fast-small', {**rate, 'drs': {'delta': 0.4}}),
        Variant('only-drs', {'drs_classifier.optim_wrapper.optimizer.lr': 0.02}),
    ]
    trials = plan(tmp_path, tiny_voc, {}, variants, seeds=SEEDS)
    names = ['plain', 'small', 'plain of fast', 'fast', 'fast-small', 'only-drs']
    assert [trial.variant.name for trial in trials] == names * 2
    base, small, own, fast, fast_small, only = trials[:6]
    assert own.own == ['plain_classifier', 'plain_maps']  # the pretraining is the same
    assert own.shared == {'pretraining': base}
    assert [trial.plain for trial in (small, only)] == ['plain', 'plain']
    assert [trial.plain for trial in (fast, fast_small)] == ['plain of fast'] * 2
    assert fast.shared == {'pretraining': base, 'plain_classifier': own, 'plain_maps': own}
    assert base.own == list(PLAIN_STAGES) and small.own == list(DRS_STAGES)
    assert len({trial.folder for trial in trials}) == len(trials)
    check_trials(trials)
    assert not (tmp_path / 'work').exists()


def test_variant_that_is_scored_otherwise_shares_the_plain_training(tmp_path, tiny_voc) -> None:
    """Labels by other rules are compared with plain labels by the same rules."""
    variants = [Variant('strict', {'pseudo_labels.threshold': 0.4})]
    base, own, strict = plan(tmp_path, tiny_voc, {}, variants)
    assert (own.variant.name, strict.plain) == ('plain of strict', 'plain of strict')
    assert own.own == ['plain_maps']
    assert own.shared == {'pretraining': base, 'plain_classifier': base}
    assert strict.shared == {'pretraining': base, 'plain_classifier': base, 'plain_maps': own}


def test_options_reach_the_layers(tmp_path, tiny_voc) -> None:
    by_layer = {'features.1': {'delta': 0.7}, 'extra.*': {}}
    variants = [
        Variant('by-layer', {'drs_layers': by_layer, 'drs': {'delta': 0.3}, 'head_drs': None}),
        *sweep(
            load_settings(SETTINGS, {**options_of(tiny_voc), 'drs.in_eval': False}),
            deltas=[0.25],
            learnable=True,
            layers={'deep': ['extra.*'], 'all': 'default'},
        ),
    ]
    # An option for all runs stays where a variant says nothing else.
    options = {'drs.in_eval': False, 'drs.delta': 0.9}
    trials = plan(tmp_path, tiny_voc, options, variants)[1:]
    names = ['by-layer', 'deep-d0.25', 'deep-learnable', 'all-d0.25', 'all-learnable']
    assert [trial.variant.name for trial in trials] == names
    layers = {trial.variant.name: drs_of(trial) for trial in trials}
    found = {name: layer.delta for name, layer in layers['by-layer'].items()}
    assert all('backbone.drs.' in name for name in found)  # none in the head
    assert sorted(found.values()) == [0.3, 0.3, 0.3, 0.7]  # extra, extra.0, extra.1; features.1
    deep = layers['deep-d0.25']
    assert {layer.delta for layer in deep.values()} == {0.25}
    assert len(deep) == 4 and 'backbone.drs.features_1' not in deep  # extra and its two, the head
    assert len(layers['all-d0.25']) == 4  # three ReLUs, the head
    assert all(isinstance(m, LearnableDRS) for m in layers['all-learnable'].values())
    for model in layers.values():
        assert not any(m.in_eval for name, m in model.items() if 'backbone' in name)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'classifier_epoch': 3}, r"'b': .*'classifier_epoch'.*did you mean 'classifier_epochs'"),
        ({'drs.dleta': 0.3}, r"'b': .*unexpected keyword argument 'dleta'"),
        ({'drs.delta': 1.5}, r"'b': .*delta must be in \(0, 1\]"),
        ({'drs_layers': ['layer9']}, r"'b': .*'layer9' matches no module"),
        ({'drs_classifier.modle.backbone': 1}, r"'b': .*'modle'.*did you mean 'model'"),
        ({'backbone.norm_evl': True}, r"'plain of b': .*'norm_evl'"),
        ({'classifier_optimizer.lrr': 1}, r"'plain of b': .*'lrr'"),
        ({'classifier_schedule': [{'type': 'PolyLR', 'powr': 1}]}, r"'plain of b': .*'powr'"),
        ({'drs_classifier.train_cfg.max_epoch': 1}, r"'b': .*'max_epoch'"),
        ({'drs_classifier.custom_hooks': [{'type': 'NoHook'}]}, r"'b': .*NoHook"),
        ({'pseudo_labels.treshold': 0.2}, r"'.*b': .*'treshold'"),
        ({'optim_wrapper.optimizer.lr': 1}, r"'b': .*`optim_wrapper` reaches no stage"),
        ({'drs.delta': 2}, r"'b': stage drs_classifier: "),
    ],
)
def test_wrong_option_is_refused_before_any_training(
    options, message, tmp_path, tiny_voc, monkeypatch
) -> None:
    def forbidden(self, resume: bool) -> None:
        raise AssertionError('it has begun')

    for kind in KINDS.values():
        monkeypatch.setattr(kind, 'run', forbidden)
    variants = [Variant('a', {'drs.delta': 0.4}), Variant('b', options)]
    with pytest.raises(InputError, match=rf'(?s)variant {message}'):
        ablate(tiny_voc, tmp_path / 'work', variants)
    assert not (tmp_path / 'work').exists()


def test_missing_data_is_found_before_any_training(tmp_path, tiny_voc) -> None:
    data = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    (data / 'saliency_map' / 'img_4.png').unlink()
    with pytest.raises(InputError, match=r'(?s)saliency_path: 1 of 6.*img_4\.png'):
        ablate(data, tmp_path / 'work')
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize(
    ('names', 'seeds', 'message'),
    [
        ([], [0], 'no variants'),
        (['a', 'a'], [0], "two variants are called 'a'"),
        (['plain'], [0], 'that of the classifier without DRS'),
        (['plain-x'], [0], 'that of the classifier without DRS'),
        (['a/b'], [0], "'a/b': a name is letters"),
        (['a'], [], 'seeds must be given'),
        (['a'], [1, 1], r'differ, got \[1, 1\]'),
    ],
)
def test_wrong_names_and_seeds(names, seeds, message, tmp_path) -> None:
    with pytest.raises(InputError, match=message):
        run_ablation(SETTINGS, {}, [Variant(name) for name in names], seeds, tmp_path)


def test_settings_without_drs_cannot_be_swept() -> None:
    settings = load_settings(ROOT / 'configs' / 'voc12' / 'settings_voc12.py')
    with pytest.raises(InputError, match='have no `drs`'):
        sweep(settings, deltas=[0.5])
    with pytest.raises(InputError, match='have no `drs_layers`'):
        sweep(settings, layers={'late': ['layer4']})


def test_file_of_variants(tmp_path) -> None:
    path = tmp_path / 'variants.yml'
    path.write_text(
        "late: {drs_layers: ['layer7.*'], drs.in_eval: false}\n"
        'slow: {classifier_optimizer: {lr: 1e-3}}\n'
        'warm-up:\n  drs_classifier.custom_hooks: [{type: DRSScheduleHook, warmup_iters: 5}]\n'
    )
    late, slow, warm = read_variants(path)
    assert late == Variant('late', {'drs_layers': ['layer7.*'], 'drs.in_eval': False})
    assert slow.options == {'classifier_optimizer': {'lr': 0.001}}  # a number, not a text
    hook = dict(type='DRSScheduleHook', warmup_iters=5)
    assert warm.options == {'drs_classifier.custom_hooks': [hook]}
    (tmp_path / 'variants.json').write_text(json.dumps({'late': late.options}))
    assert read_variants(tmp_path / 'variants.json') == [late]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a: [', 'is not a readable file of variants in YAML'),
        ('', 'must map names to options'),
        ('- a', 'must map names to options'),
        ('a: 3', 'a must be a map of options'),
        ('a: {1: 2}', 'a must be a map of options'),
    ],
)
def test_wrong_file_of_variants(text, message, tmp_path) -> None:
    path = tmp_path / 'variants.yml'
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_variants(path)


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


@pytest.mark.parametrize(
    'path', sorted((ROOT / 'docs' / 'variants').glob('*.yml')), ids=lambda path: path.stem
)
def test_documented_variants_can_be_trained(path: Path, tmp_path: Path) -> None:
    """What docs/results.md names is understood: options, layers, hooks, and that they differ."""
    name = 'shapes' if path.stem == 'shapes' else 'custom'
    settings = ROOT / 'configs' / name / f'settings_{name}.py'
    trials = plan_trials(settings, {}, read_variants(path), [0], tmp_path, tmp_path)
    trained = [t.stages['drs_classifier'].config() for t in trials if not t.is_plain]
    for cfg in trained:
        check_training(cfg)
    assert len({cfg.pretty_text for cfg in trained}) == len(trained) >= 1
