"""Two controls with two seeds on six tiny images: shared stages, figures, resuming, errors."""

import argparse
import json
import os
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from mmengine.config import DictAction
from mmseg.registry import MODELS
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.models.layers.drs import DRS, LearnableDRS
from mmdrs.pipeline import load_settings, run_pipeline
from mmdrs.pipeline.ablation import (
    Variant,
    ablation_table,
    check_runs,
    last_accuracy,
    make_rows,
    plan_runs,
    read_variants,
    run_ablation,
    sweep,
)
from mmdrs.pipeline.ablation.checks import check_training
from mmdrs.pipeline.ablation.plots import Curve, Level, Panel, draw_by_delta, draw_variants
from mmdrs.pipeline.runs import StageRun
from tests.pipeline_runs import ROOT, SETTINGS, tiny_options

SEEDS = (0, 1)
PLAIN_STAGES = ('pretraining', 'plain_classifier', 'plain_maps')
DRS_STAGES = ('drs_classifier', 'drs_maps')
# No maps of a second list; a `pretraining`, the stage that all others start from.
SHORT = ('val_list=', 'classifier_epochs=1', 'pretraining_epochs=1')
SHORT += ('stages.pretraining=pretraining_custom.py',)


def options_of(data: Path) -> dict:
    parser = argparse.ArgumentParser()
    parser.add_argument('--options', nargs='+', action=DictAction)
    return parser.parse_args(['--options', *tiny_options(data), *SHORT]).options


def variants_of(data: Path) -> list[Variant]:
    return sweep(load_settings(SETTINGS, options_of(data)), deltas=(0.4, 0.8))


def ablate(data: Path, work_dir: Path, variants: Sequence[Variant] | None = None) -> list[dict]:
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


def test_table_is_the_mean_of_the_results(done: Path) -> None:
    """Every figure restated from the pipeline's own results."""
    found: dict[str, dict[str, list[float]]] = {}
    for name in ('plain', 'd0.4', 'd0.8'):
        for seed in SEEDS:
            results = json.loads((done / f'seed_{seed}' / name / 'results.json').read_text())
            stage = 'plain_maps' if name == 'plain' else 'drs_maps'
            for record in results:
                if record['stage'] == stage:
                    assert record['seed'] == seed
                    column = found.setdefault(name, {}).setdefault(record['metric'], [])
                    column.append(record['value'])
    lines = (done / 'ablation.md').read_text().splitlines()
    table = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines if '|' in line]
    head = table[0]
    assert head[:2] == ['variant', 'seeds']
    assert [row[0] for row in table[2:]] == ['plain', 'd0.4', 'd0.8']
    columns = dict(fixed='mIoU_fixed', best='mIoU_swept', labels='mIoU_pseudo')
    columns |= dict(coverage='coverage', precision='precision')
    for row in table[2:]:
        cells = dict(zip(head, row, strict=True))
        values = found[cells['variant']]
        assert cells['seeds'] == '2'
        for heading, metric in columns.items():
            mean, spread = statistics.mean(values[metric]), statistics.stdev(values[metric])
            assert cells[heading] == f'{mean:.1f} ± {spread:.1f}'
        pairs = zip(values['mIoU_pseudo'], found['plain']['mIoU_pseudo'], strict=True)
        change = [own - plain for own, plain in pairs]
        expected = f'{statistics.mean(change):+.1f} ± {statistics.stdev(change):.1f}'
        assert cells['to plain'] == ('' if cells['variant'] == 'plain' else expected)


def test_records(done: Path) -> None:
    content = json.loads((done / 'ablation.json').read_text())
    assert content['seeds'] == [0, 1]
    assert [variant['delta'] for variant in content['variants']] == [0.4, 0.8]
    keys = {'variant', 'delta', 'layers', 'plain', 'seed', 'split', 'metric', 'value'}
    assert all(set(record) == keys for record in content['records'])
    assert len(content['records']) == 3 * 2 * 6
    assert {r['delta'] for r in content['records'] if r['variant'] == 'd0.8'} == {0.8}


def test_accuracy_is_that_of_the_last_epoch(done: Path) -> None:
    folder = done / 'seed_0' / 'd0.4' / 'drs_classifier'
    # Our own file, just written: its history is no plain tensor.
    checkpoint = torch.load(folder / 'epoch_1.pth', weights_only=False)
    history = checkpoint['message_hub']['log_scalars']['train/decode.acc_cls']
    values, _ = history.data
    assert len(values) == 3  # six images in pairs
    assert last_accuracy(folder) == pytest.approx(float(values.mean()))
    assert last_accuracy(done) is None
    records = json.loads((done / 'ablation.json').read_text())['records']
    (found,) = [
        record['value']
        for record in records
        if (record['variant'], record['seed'], record['metric']) == ('d0.4', 0, 'acc_cls')
    ]
    assert found == pytest.approx(float(values.mean()), abs=0.006)


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


def test_goes_on_after_a_kill(copied: Path, tiny_voc: Path, capsys, monkeypatch) -> None:
    """Killed between training and maps of the last of two runs that were to be made."""
    expected = (copied / 'ablation.json').read_text()
    for seed in SEEDS:
        shutil.rmtree(copied / f'seed_{seed}' / 'd0.4')
    lost = copied / 'seed_1' / 'd0.4'
    before = made(copied)
    run_stage = StageRun.run

    def killed(self: StageRun, resume: bool) -> list[dict]:
        if (self.stage.name, self.settings['seed']) == ('drs_maps', 1):
            raise KeyboardInterrupt
        return run_stage(self, resume)

    with monkeypatch.context() as patched:
        patched.setattr(StageRun, 'run', killed)
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
    records = json.loads((copied / 'ablation.json').read_text())['records']
    names = [(record['variant'], record['seed'], record['metric']) for record in records]
    kept = json.loads(expected)['records']
    assert names == [(record['variant'], record['seed'], record['metric']) for record in kept]


def test_changed_option_reruns_only_its_variant(copied: Path, tiny_voc: Path) -> None:
    first, second = variants_of(tiny_voc)
    rate = {'drs_classifier.optim_wrapper.optimizer.lr': 0.02}
    changed = Variant(second.name, {**second.options, **rate}, second.delta, second.layers)
    before = made(copied)
    ablate(tiny_voc, copied, [first, changed])
    after = made(copied)
    for name, time in before.items():
        seed, variant, stage, rest = name.split('/', 3)
        if variant == 'd0.8':
            assert after[f'{seed}/{variant}/{stage}.old/{rest}'] == time  # nothing is lost
            assert after[name] != time
        else:
            assert after[name] == time


# --- Without training ----------------------------------------------------------------------------


def plan(tmp_path: Path, data: Path, options: dict, variants: Sequence[Variant], seeds=(0,)):
    scratch = tmp_path / 'scratch'
    scratch.mkdir(exist_ok=True)
    base = {**options_of(data), **options}
    return plan_runs(SETTINGS, base, variants, seeds, tmp_path / 'work', scratch)


def drs_of(run) -> dict[str, torch.nn.Module]:
    """The DRS layers of a planned run's model, by name."""
    model = MODELS.build(run.stages['drs_classifier'].config().model)
    return {n: m for n, m in model.named_modules() if isinstance(m, (DRS, LearnableDRS))}


def test_variant_that_changes_plain_stages_gets_its_own(tmp_path, tiny_voc) -> None:
    rate = {'classifier_optimizer': {'lr': 0.02}}
    variants = [
        Variant('small', {'drs.delta': 0.4}),
        Variant('fast', rate),
        Variant('fast-small', {**rate, 'drs': {'delta': 0.4}}),
        Variant('only-drs', {'drs_classifier.optim_wrapper.optimizer.lr': 0.02}),
    ]
    runs = plan(tmp_path, tiny_voc, {}, variants, seeds=SEEDS)
    labels = ['plain', 'small', 'plain of fast', 'fast', 'fast-small', 'only-drs']
    assert [run.label for run in runs] == labels * 2
    base, small, own, fast, fast_small, only = runs[:6]
    assert own.own == ['plain_classifier', 'plain_maps']  # the pretraining is the same
    assert own.shared == {'pretraining': base}
    assert [run.plain for run in (small, only)] == ['plain', 'plain']
    assert [run.plain for run in (fast, fast_small)] == ['plain of fast'] * 2
    assert fast.shared == {'pretraining': base, 'plain_classifier': own, 'plain_maps': own}
    assert base.own == list(PLAIN_STAGES) and small.own == list(DRS_STAGES)
    assert len({run.folder for run in runs}) == len(runs)
    check_runs(runs)
    assert not (tmp_path / 'work').exists()


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
    runs = plan(tmp_path, tiny_voc, options, variants)[1:]
    names = ['by-layer', 'deep-d0.25', 'deep-learnable', 'all-d0.25', 'all-learnable']
    assert [run.label for run in runs] == names
    layers = {run.label: drs_of(run) for run in runs}
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
        ({'pseudo_labels.treshold': 0.2}, r"'b': .*'treshold'"),
    ],
)
def test_wrong_option_is_refused_before_any_training(
    options, message, tmp_path, tiny_voc, monkeypatch
) -> None:
    def forbidden(self: StageRun, resume: bool) -> list[dict]:
        raise AssertionError('it has begun')

    monkeypatch.setattr(StageRun, 'run', forbidden)
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
    settings = load_settings(SETTINGS.parents[1] / 'voc12' / 'settings_voc12.py')
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
        ('a: [', 'is not YAML'),
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


def record(variant: str, plain: str, seed: int, value: float) -> dict:
    head = dict(variant=variant, delta=None, layers=None, plain=plain, seed=seed, split='val')
    return dict(head, metric='mIoU_pseudo', value=value)


def test_rows_are_compared_with_their_own_plain() -> None:
    records = [
        record('plain', 'plain', 0, 50.0),
        record('slow', 'plain of slow', 0, 64.0),
        record('plain of slow', 'plain of slow', 0, 60.0),
        record('d0.5', 'plain', 0, 49.0),
    ]
    rows = make_rows(records, 'val')
    assert [row.variant for row in rows] == ['plain', 'plain of slow', 'd0.5', 'slow']
    assert ablation_table(rows).splitlines() == [
        '| variant | seeds | labels | to plain |',
        '|---|---|---:|---:|',
        '| plain | 1 | 50.0 |  |',
        '| plain of slow | 1 | 60.0 |  |',
        '| d0.5 | 1 | 49.0 | -1.0 |',
        '| slow (to plain of slow) | 1 | 64.0 | +4.0 |',
    ]
    assert make_rows(records, 'train') == []


def test_plots(tmp_path) -> None:
    by_delta = {0.3: Level(40.0, 2.0), 0.5: Level(45.0, None)}
    panels = [
        Panel('both', [Curve('a$b', by_delta, Level(44.0, 1.0))], Level(30.0, 3.0)),
        Panel('learned only', [Curve('deep', {}, Level(44.0)), Curve('all', {}, Level(43.0))]),
    ]
    draw_by_delta(tmp_path / 'by_delta.png', panels)
    draw_variants(tmp_path / 'variants.png', {'a$b': Level(3.0, 1.0)}, Level(2.0), 'mIoU')
    for path in tmp_path.glob('*.png'):
        with Image.open(path) as picture:
            assert picture.width > picture.height > 100
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    'path', sorted((ROOT / 'docs' / 'variants').glob('*.yml')), ids=lambda path: path.stem
)
def test_documented_variants_can_be_trained(path: Path, tmp_path: Path) -> None:
    """What docs/results.md names is understood: options, places, hooks, and that they differ."""
    name = 'shapes' if path.stem == 'shapes' else 'custom'
    settings = ROOT / 'configs' / name / f'settings_{name}.py'
    runs = plan_runs(settings, {}, read_variants(path), [0], tmp_path, tmp_path)
    trained = [run.stages['drs_classifier'].config() for run in runs if run.variant]
    for cfg in trained:
        check_training(cfg)
    assert len({cfg.pretty_text for cfg in trained}) == len(trained) >= 1
