"""Which stages of a work directory belong together."""

import json
import os
from pathlib import Path

import pytest

from mmdrs.errors import InputError
from mmdrs.reporting.report.work_dir import WorkDir, open_work_dir

STAGES = ('plain_classifier', 'plain_maps', 'drs_classifier', 'drs_maps')


def finish(work_dir: Path, stage: str, minute: int, seed: int = 0) -> dict:
    """Write what the pipeline leaves of a finished stage; returns its score."""
    record = dict(stage=stage, metric='coverage', value=minute, split='val', seed=seed)
    done = dict(seconds=60, finished=f'2026-01-01 10:{minute:02}:00', records=[record])
    (work_dir / stage).mkdir(exist_ok=True)
    (work_dir / stage / 'started.json').write_text('{}')
    (work_dir / stage / 'done.json').write_text(json.dumps(done))
    return record


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    (tmp_path / 'settings.py').write_text('seed = 0\nstages = dict(plain_classifier="a.py")\n')
    for minute, stage in enumerate(STAGES):
        finish(tmp_path, stage, minute)
    return tmp_path


def reasons(found: WorkDir) -> dict[str, str]:
    return {name: why for name, why in found.left_out if why != 'not run yet'}


def test_all_fit(work_dir: Path) -> None:
    found = open_work_dir(work_dir)
    assert tuple(found.stages) == STAGES and reasons(found) == {}
    assert [record['value'] for record in found.records] == [0, 1, 2, 3]


def test_stage_of_an_earlier_input(work_dir: Path) -> None:
    finish(work_dir, 'plain_classifier', 30)  # made again; its maps are of the one before
    found = open_work_dir(work_dir)
    assert tuple(found.stages) == ('plain_classifier', 'drs_classifier', 'drs_maps')
    assert 'from an earlier plain_classifier' in reasons(found)['plain_maps']


def test_what_comes_from_a_foreign_stage_is_foreign(work_dir: Path) -> None:
    finish(work_dir, 'drs_classifier', 2, seed=5)
    found = open_work_dir(work_dir)
    assert tuple(found.stages) == ('plain_classifier', 'plain_maps')
    assert reasons(found) == dict(
        drs_classifier='made with seed 5, the settings have 0',
        drs_maps='made from drs_classifier, which is left out',
    )


def test_scores_that_the_pipeline_did_not_take(work_dir: Path) -> None:
    taken = [finish(work_dir, stage, m) for m, stage in enumerate(STAGES) if m != 1]
    results = work_dir / 'results.json'
    results.write_text(json.dumps(taken))
    assert 'results.json does not hold' in reasons(open_work_dir(work_dir))['plain_maps']
    # A table older than the stage tells nothing: the run that made the stage was stopped.
    os.utime(results, (1, 1))
    assert reasons(open_work_dir(work_dir)) == {}


def test_strangers_and_damage(work_dir: Path) -> None:
    finish(work_dir, 'drs_maps.old', 0)
    finish(work_dir, 'other', 0)
    (work_dir / 'plain_maps' / 'done.json').write_text('{')
    found = reasons(open_work_dir(work_dir))
    assert found.pop('plain_maps').startswith('its done.json is damaged')
    assert found == {
        'drs_maps.old': 'put aside by the pipeline',
        'other': 'no stage of these settings',
    }


def test_other_settings_file(tmp_path: Path) -> None:
    (tmp_path / 'settings.py').write_text('seed = 0\n')
    with pytest.raises(InputError, match='it has no `stages`'):
        open_work_dir(tmp_path)
