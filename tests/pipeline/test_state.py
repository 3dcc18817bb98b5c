"""Fingerprints and generations of a stage's folder, without running anything."""

import json
from pathlib import Path

import pytest

from mmdrs.errors import InputError
from mmdrs.pipeline.state import Fingerprint, StageState, fingerprint

A, B = Fingerprint('a' * 64, '1' * 64), Fingerprint('b' * 64, '2' * 64)
RESCORED = Fingerprint(A.files, '3' * 64)


@pytest.fixture
def state(tmp_path: Path) -> StageState:
    return StageState(tmp_path / 'maps')


def finish(state: StageState, made: Fingerprint, seconds: float = 1) -> None:
    state.start(made)
    (state.folder / 'results').mkdir(exist_ok=True)
    (state.folder / 'results' / 'record.json').write_text(made.scores)
    state.finish(made, seconds)


def test_status(state: StageState) -> None:
    assert state.status(A) == 'new'
    state.start(A)
    assert (state.status(A), state.status(B)) == ('interrupted', 'outdated')
    finish(state, A)
    assert state.status(A) == 'finished'
    assert state.status(B) == 'outdated'
    assert state.status(RESCORED) == 'scores outdated'


def test_generations_are_exchanged(state: StageState) -> None:
    finish(state, A)
    assert not state.take_up(B)
    assert state.put_aside() == state.folder.with_name('maps.aaaaaaaa')
    finish(state, B)
    assert state.take_up(A)
    assert state.status(A) == 'finished'
    assert state.generations() == [state.folder.with_name('maps.bbbbbbbb')]
    assert (state.folder / 'results' / 'record.json').read_text() == A.scores


def test_no_generation_is_overwritten(state: StageState) -> None:
    for expected in ('maps.aaaaaaaa', 'maps.aaaaaaaa-2', 'maps.aaaaaaaa-3'):
        finish(state, A)
        assert state.put_aside().name == expected
    assert len(state.generations()) == 3
    (state.folder.parent / 'maps.copy').mkdir()  # the user's
    assert len(state.generations()) == 3


def test_scores_of_other_rules_are_put_aside_and_come_back(state: StageState) -> None:
    finish(state, A, seconds=5)
    state.start(RESCORED)
    assert state.status(RESCORED) == 'interrupted'
    assert not (state.folder / 'results').exists()
    finish(state, RESCORED, seconds=1)
    assert state.done['seconds'] == 6
    state.start(A)
    assert (state.folder / 'results' / 'record.json').read_text() == A.scores
    assert (state.folder / 'results.33333333' / 'record.json').read_text() == RESCORED.scores


def test_interrupted_rescoring_does_not_mix_scores(state: StageState) -> None:
    finish(state, A)
    state.start(RESCORED)
    (state.folder / 'results').mkdir()
    (state.folder / 'results' / 'partial.json').write_text('')
    finish(state, A)  # the old rules again
    assert [path.name for path in (state.folder / 'results').iterdir()] == ['record.json']


@pytest.mark.parametrize('content', ['', '[]', '{"seconds": 1}', 'null'])
def test_damaged_state_names_the_file(state: StageState, content: str) -> None:
    state.folder.mkdir()
    (state.folder / 'done.json').write_text(content)
    with pytest.raises(InputError, match=r'done\.json is damaged .*; remove it and give the same'):
        state.status(A)


def test_fingerprint(tmp_path: Path) -> None:
    listed = tmp_path / 'list.txt'
    listed.write_text('a 0\n')
    config = dict(model=dict(type='A'), train_dataloader=dict(num_workers=2, batch_size=4))
    made = fingerprint(config, [listed], ['x'])
    config['train_dataloader']['num_workers'] = 0
    assert fingerprint(config, [listed], ['x']) == made  # a matter of speed
    assert fingerprint(config, [listed], ['y']) != made
    config['train_dataloader']['batch_size'] = 5
    assert fingerprint(config, [listed], ['x']) != made
    config['train_dataloader']['batch_size'] = 4
    listed.write_text('a 1\n')
    assert fingerprint(config, [listed], ['x']) != made
    assert len(json.dumps(made)) == 66
