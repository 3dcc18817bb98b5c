"""Making maps: by one process, by two, and a second time."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmdrs import apis
from mmdrs.pseudo_labels.map_file import read_maps
from tests.pipeline_runs import ROOT

CONFIG = 'drs-classifier_custom.py'


@pytest.fixture
def config(finished: Path, monkeypatch) -> Path:
    """The config of the DRS classifier with the settings of a finished pipeline."""
    monkeypatch.setenv('MMDRS_SETTINGS', str(finished / 'settings.py'))
    return ROOT / 'configs' / 'custom' / CONFIG


def make_maps(config: Path, checkpoint: Path, out: Path) -> dict[str, float]:
    cfg = apis.load_config(str(config), work_dir=str(out.parent / 'logs'))
    cfg.runner_type = 'QuietRunner'
    apis.apply_tta(cfg)
    apis.apply_output(cfg, str(out))
    return apis.test_model(cfg, str(checkpoint))


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob('*.npz')}


def test_second_run_reads_what_is_finished(config: Path, finished: Path, tmp_path: Path) -> None:
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    out = tmp_path / 'maps'
    scores = make_maps(config, checkpoint, out)
    before = stamps(out)
    assert len(before) == 6
    assert make_maps(config, checkpoint, out) == scores
    assert stamps(out) == before
    # Maps of another checkpoint do not count as finished.
    other = shutil.copy(finished / 'drs_classifier' / 'epoch_1.pth', tmp_path / 'other.pth')
    make_maps(config, Path(other), out)
    after = stamps(out)
    assert all(after[name] != before[name] for name in before)


def test_two_processes_make_the_same_maps(config: Path, finished: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    checkpoint = str(finished / 'drs_classifier' / 'epoch_2.pth')
    out = tmp_path / 'maps'
    run = subprocess.run(
        [
            *('bash', str(ROOT / 'tools' / 'dist_test.sh'), str(config), checkpoint, '2', '--tta'),
            *('--out', str(out), '--work-dir', str(tmp_path / 'logs')),
        ],
        env=dict(os.environ, PORT=str(port), OMP_NUM_THREADS='1', PYTHON=sys.executable),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    expected = sorted((finished / 'drs_maps' / 'train').glob('*.npz'))
    assert len(expected) == 6
    for path in expected:
        one, two = read_maps(path), read_maps(out / path.name)
        assert (one.labels, one.original_size, one.scale) == (
            two.labels,
            two.original_size,
            two.scale,
        )
        np.testing.assert_array_equal(one.values, two.values)


def test_precision_and_memory_format(config: Path, finished: Path, tmp_path: Path) -> None:
    """bfloat16 moves levels by rounding only; it is part of what a map file was made with."""
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    levels, settings = {}, {}
    for name, options in dict(
        plain=dict(channels_last=False), channels_last={}, bf16=dict(precision='bfloat16')
    ).items():
        cfg = apis.load_config(str(config), work_dir=str(tmp_path / 'logs'))
        cfg.runner_type = 'QuietRunner'
        cfg.test_cfg.update(options)
        apis.apply_tta(cfg)
        apis.apply_output(cfg, str(tmp_path / name))
        apis.test_model(cfg, str(checkpoint))
        stored = [read_maps(path) for path in sorted((tmp_path / name).glob('*.npz'))]
        levels[name] = np.concatenate([maps.values.ravel() for maps in stored]).astype(int)
        settings[name] = stored[0].settings
    assert np.abs(levels['plain'] - levels['channels_last']).max() <= 1
    difference = np.abs(levels['plain'] - levels['bf16'])
    assert 0 < difference.mean() < 4
    assert settings['plain'] == settings['channels_last'] != settings['bf16']


def test_unknown_precision(config: Path, finished: Path, tmp_path: Path) -> None:
    cfg = apis.load_config(str(config), work_dir=str(tmp_path / 'logs'))
    cfg.test_cfg.precision = 'half'
    with pytest.raises(ValueError, match="precision must be one of .*got 'half'"):
        apis.test_model(cfg, str(finished / 'drs_classifier' / 'epoch_2.pth'))
