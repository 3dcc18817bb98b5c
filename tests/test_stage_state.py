"""Fingerprints and generations of a stage's folder, without running anything."""

import json
from pathlib import Path

import pytest

from mmdrs.stage_state import Fingerprint, StageState, fingerprint

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


def test_generation_is_taken_up_beside_a_folder_without_state(state: StageState) -> None:
    finish(state, A)
    state.put_aside()
    state.folder.mkdir()
    assert state.take_up(A) and state.generations() == []
    state.put_aside()
    state.folder.mkdir()
    (state.folder / 'done.json').touch()
    assert state.take_up(A)
    assert [path.name for path in state.generations()] == ['maps.00000000']


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


@pytest.mark.parametrize('content', ['', '[]', '{"seconds": 1}', 'null', '{"fingerprint": {', '['])
def test_damaged_state_counts_as_not_there(state: StageState, content: str) -> None:
    """As a machine leaves it that loses its power."""
    finish(state, A)
    done, started = (state.folder / name for name in ('done.json', 'started.json'))
    done.write_text(content)
    assert state.damaged() == [done]
    assert state.status(A) == 'interrupted'
    started.write_text(content)
    assert state.damaged() == [started, done]
    assert state.status(A) == 'new'
    assert state.put_aside().name == 'maps.00000000'  # nothing is lost


def test_what_is_gone_of_a_finished_stage_is_noticed(state: StageState) -> None:
    state.start(A)
    maps = state.folder / 'train' / 'b' / 'a.npz'
    maps.parent.mkdir(parents=True)
    maps.write_bytes(b'12')
    finish(state, A)
    assert state.status(A) == 'finished'
    maps.write_bytes(b'1')
    assert state.status(A) == 'incomplete'
    maps.unlink()
    assert state.status(A) == 'incomplete'
    maps.write_bytes(b'12')
    assert state.status(A) == 'finished'
    (state.folder / 'results' / 'record.json').unlink()
    assert state.status(A) == 'incomplete'


def test_weights_that_are_gone_are_noticed(state: StageState) -> None:
    state.start(A)
    weights = state.folder / 'epoch_2.pth'
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        (state.folder / name).touch()
    state.finish(A, 1, weights)
    (state.folder / 'epoch_1.pth').unlink()
    assert state.status(A) == 'finished'
    weights.unlink()
    assert state.status(A) == 'incomplete'


def test_state_says_how_often_a_stage_was_stopped(state: StageState) -> None:
    for expected in (0, 1, 2):
        state.start(A)
        assert json.loads((state.folder / 'started.json').read_text())['resumed'] == expected
    state.finish(A, 1)
    assert state.done['resumed'] == 2
    state.start(RESCORED)  # scored again, which is no resuming
    state.finish(RESCORED, 1)
    assert state.done['resumed'] == 2


def test_start_removes_what_killed_writers_left(state: StageState) -> None:
    state.start(A)
    left = state.folder / 'train' / '.img_1.4711.tmp.npz'
    left.parent.mkdir()
    own = [left.with_name('img.tmp.npz'), left.with_name('.hidden.tmp.npz')]  # the user's
    for path in (left, *own):
        path.touch()
    state.start(A)
    assert not left.exists() and all(path.exists() for path in own)


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
