"""Variants: from a sweep, from a file, and their names."""

import json

import pytest

from ablation import Variant, read_variants, run_ablation, sweep
from mmdrs.errors import InputError
from mmdrs.pipeline import load_settings
from tests.pipeline_runs import ROOT, SETTINGS


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
        ('a: [', 'variants.yml is not a readable file of variants'),
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
