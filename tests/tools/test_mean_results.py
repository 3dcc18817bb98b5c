"""The mean over seeds."""

import json

import pytest

from tests.pipeline_runs import load_tool


def write(folder, seed: int, value: float) -> str:
    folder.mkdir()
    record = dict(stage='drs_maps', metric='coverage', value=value, split='train', seed=seed)
    (folder / 'results.json').write_text(json.dumps([record]))
    return str(folder)


def test_mean_and_spread(tmp_path, capsys) -> None:
    folders = [write(tmp_path / str(s), s, v) for s, v in ((0, 60.0), (1, 70.0), (2, 80.0))]
    load_tool('analysis_tools/mean_results').main(folders)
    assert '| drs_maps | train | 70.0 ± 10.0 |' in capsys.readouterr().out


def test_errors(tmp_path) -> None:
    tool = load_tool('analysis_tools/mean_results')
    one, same = write(tmp_path / 'a', 0, 1.0), write(tmp_path / 'b', 0, 2.0)
    with pytest.raises(SystemExit, match='b and .*a have the same seed 0'):
        tool.main([one, same])
    with pytest.raises(SystemExit, match='holds no results.json'):
        tool.main([str(tmp_path)])
