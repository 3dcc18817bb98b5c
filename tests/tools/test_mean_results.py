"""The mean over seeds."""

from pathlib import Path

import pytest

from mmdrs.evaluation.records.record import Evaluation, Protocol, Score, write_evaluations
from tests.pipeline_runs import load_tool


def write(folder: Path, seed: int, value: float) -> str:
    """A work directory with the records of one run."""
    folder.mkdir()
    evaluation = Evaluation(
        task='seed',
        dataset='pets',
        split='train',
        images=2,
        model='net',
        stage='drs_maps',
        seed=seed,
        scores=[Score('coverage', value, Protocol(), {})],
        provenance=dict(config_sha256='c', list=None, weights=None, time='2026-01-01'),
    )
    write_evaluations(folder / 'results.json', [evaluation])
    return str(folder)


def test_mean_and_spread(tmp_path, capsys) -> None:
    folders = [write(tmp_path / str(s), s, v) for s, v in ((0, 60.0), (1, 70.0), (2, 80.0))]
    load_tool('analysis_tools/mean_results').main(folders)
    assert '| drs_maps | train | 70.0 ± 10.0 |' in capsys.readouterr().out


def test_errors(tmp_path) -> None:
    tool = load_tool('analysis_tools/mean_results')
    one, same = write(tmp_path / 'a', 0, 1.0), write(tmp_path / 'b', 0, 2.0)
    with pytest.raises(
        SystemExit, match='b/results.json and .*a/results.json have the same seed 0'
    ):
        tool.main([one, same])
    with pytest.raises(SystemExit, match='holds no results.json'):
        tool.main([str(tmp_path)])
    results = tmp_path / 'b' / 'results.json'
    for text, message in (
        ('[{"format": 1', 'b/results.json is damaged or no list of records'),
        ('{}', 'b/results.json: is no list of records'),
        ('[{"stage": "drs_maps", "seed": 1}]', 'record 1: .*b/results.json: is no record'),
    ):
        results.write_text(text)
        with pytest.raises(SystemExit, match=message):
            tool.main([one, same])
