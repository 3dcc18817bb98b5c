"""Scalars of the DRS layers over a training."""

import json
from pathlib import Path

import pytest

from mmdrs import apis
from tests.pipeline_runs import ROOT


def train(finished: Path, work_dir: Path, name: str, hook: dict) -> list[dict]:
    """Train a classifier of the tiny settings; returns what the visualizer wrote."""
    cfg = apis.load_config(str(ROOT / 'configs' / 'custom' / name), {}, str(work_dir))
    cfg.custom_hooks = [hook]
    cfg.experiment_name = work_dir.name
    apis.train_model(cfg)
    (path,) = work_dir.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_scalars_of_every_layer(finished: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv('MMDRS_SETTINGS', str(finished / 'settings.py'))
    hook = dict(type='DRSVisualizationHook', interval=2)
    lines = train(finished, tmp_path / 'drs', 'drs-classifier_custom.py', hook)
    noted: dict[int, dict] = {}
    for line in lines:
        if any(key.startswith('drs_') and '/' in key for key in line):
            noted[line['step']] = noted.get(line['step'], {}) | line
    # Six images in batches of two, two epochs: six iterations, every second one.
    assert sorted(noted) == [2, 4, 6]
    layers = {key.split('/')[1] for key in noted[2] if key.startswith('drs_control/')}
    assert {name.split('.')[0] for name in layers} == {'backbone', 'decode_head'}
    for line in noted.values():
        for name in layers:
            assert line[f'drs_control/{name}'] == pytest.approx(0.8)  # the template's delta
            assert 0 <= line[f'drs_suppressed/{name}'] <= 100


def test_needs_a_layer(finished: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv('MMDRS_SETTINGS', str(finished / 'settings.py'))
    with pytest.raises(ValueError, match='the model has no DRS layer'):
        train(
            finished,
            tmp_path / 'plain',
            'plain-classifier_custom.py',
            dict(type='DRSVisualizationHook'),
        )
