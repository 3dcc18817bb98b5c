"""tools/test.py on what a pipeline has stored in its work directory."""

from pathlib import Path

import pytest

from mmdrs.evaluation.records.record import read_evaluation
from tests.pipeline_runs import load_tool, records


def test_scores_and_record_are_printed(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """The stored config keeps the console quiet: the tool printed neither."""
    (config,) = (finished / 'evaluation').glob('*.py')
    checkpoint = str(finished / 'segmentation' / 'epoch_1.pth')
    arguments = [str(config), checkpoint, '--work-dir', str(tmp_path), '--out']
    load_tool('test').main([*arguments, str(tmp_path / 'predictions')])
    printed = dict(
        line.split(': ', 1) for line in capsys.readouterr().out.splitlines() if ': ' in line
    )
    (record,) = (tmp_path / 'results').glob('*.json')
    assert printed['record'] == str(record)
    expected = records(finished)['evaluation', 'seg', 'mIoU', 'val']
    assert float(printed['mIoU']) == pytest.approx(expected)
    assert read_evaluation(record).scores[0].value == pytest.approx(expected)
    assert printed['predictions'] == str(tmp_path / 'predictions')
