"""What an ablation trains, looked at without training anything."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

from ablation import Variant, read_variants, sweep
from ablation.planning import check_trials, plan_trials
from mmdrs.errors import InputError
from mmdrs.models.layers.drs import DRS, LearnableDRS
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import KINDS
from mmdrs.pipeline.runs.training_checks import check_training
from tests.pipeline_runs import ROOT, SETTINGS
from tests.tools.ablation.runs import SEEDS, ablate, options_of

PLAIN_STAGES = ('pretraining', 'plain_classifier', 'plain_maps')
DRS_STAGES = ('drs_classifier', 'drs_maps')


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
        ({'drs.dleta': 0.3}, r"'b': .*takes no 'dleta'; did you mean 'delta'"),
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
        ablate(tiny_voc, tmp_path / 'work', variants, seeds=(0,))
    assert not (tmp_path / 'work').exists()


def test_missing_data_is_found_before_any_training(tmp_path, tiny_voc) -> None:
    data = Path(shutil.copytree(tiny_voc, tmp_path / 'data'))
    (data / 'saliency_map' / 'img_4.png').unlink()
    with pytest.raises(InputError, match=r'(?s)saliency_path: 1 of 6.*img_4\.png'):
        ablate(data, tmp_path / 'work', seeds=(0,))
    assert not (tmp_path / 'work').exists()


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
    assert len({repr(cfg.to_dict()) for cfg in trained}) == len(trained) >= 1
