"""Which network of a run is taken, by its JSON files."""

import json
from pathlib import Path

import pytest
import torch

from mmdrs.apis.prediction.trained_run import (
    TrainedStage,
    run_of,
    segmentation_stage,
    trained_stages,
)
from mmdrs.errors import InputError

STAGES = ('drs_classifier', 'segmentation', 'self_training_1', 'self_training_2')


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose trainings have all finished, and a stage of labels."""
    stages = {name: dict(kind='train', fingerprint=f'made {name}') for name in STAGES}
    stages['pseudo_labels'] = dict(kind='labels', fingerprint='x')
    (tmp_path / 'pipeline.json').write_text(json.dumps(dict(stages=stages)))
    for name in STAGES:
        (tmp_path / name).mkdir()
        torch.save({}, tmp_path / name / 'epoch_3.pth')
        (tmp_path / name / 'net.py').touch()
        state = dict(fingerprint=f'made {name}', weights=f'/moved/{name}/epoch_3.pth')
        (tmp_path / name / 'done.json').write_text(json.dumps(state))
    return tmp_path


def test_the_newest_round_of_self_training_is_taken(run: Path) -> None:
    folder = run / 'self_training_2'
    expected = TrainedStage(folder.name, folder / 'net.py', folder / 'epoch_3.pth')
    assert segmentation_stage(run) == expected
    (folder / 'done.json').unlink()
    assert segmentation_stage(run).name == 'self_training_1'
    assert list(trained_stages(run)[0]) == list(STAGES[:3])


def test_why_a_training_is_not_taken(run: Path) -> None:
    (run / 'drs_classifier' / 'done.json').unlink()
    (run / 'segmentation' / 'done.json').write_text('{"fingerprint": "older", "weights": "a"}')
    (run / 'self_training_1' / 'epoch_3.pth').write_bytes(b'cut off')
    (run / 'self_training_2' / 'net.py').unlink()
    started = json.dumps(dict(fingerprint='made drs_classifier', seconds=0, resumed=0))
    (run / 'drs_classifier' / 'started.json').write_text(started)
    finished, reasons = trained_stages(run)
    assert not finished
    assert reasons == {
        'drs_classifier': 'not finished',
        'segmentation': 'made with other settings',
        'self_training_1': 'its checkpoint epoch_3.pth is gone or incomplete',
        'self_training_2': 'it holds no config any more; make it with --again self_training_2',
    }
    (run / 'drs_classifier' / 'done.json').write_text('cut off')
    damaged = trained_stages(run)[1]['drs_classifier']
    assert damaged == 'done.json is damaged; give the command of the run again'
    with pytest.raises(InputError, match=r'no segmentation network .* \(segmentation: made with'):
        segmentation_stage(run)


def test_folders_that_are_no_run(run: Path) -> None:
    with pytest.raises(InputError, match='no work directory of mmdrs run'):
        trained_stages(run / 'segmentation')
    assert run_of(run / 'segmentation' / 'net.py') == run.resolve()
    assert run_of(run / 'net.py') is None
    (run / 'pipeline.json').write_text('{"stages": [1]}')
    with pytest.raises(InputError, match=r'pipeline\.json'):
        trained_stages(run)
