"""Records of evaluations: written, read, refused."""

import json
from pathlib import Path

import pytest

from mmdrs.errors import InputError
from mmdrs.evaluation.records.provenance import (
    config_hash,
    git_revision,
    package_versions,
    provenance,
)
from mmdrs.evaluation.records.record import (
    Evaluation,
    Protocol,
    Score,
    per_class,
    read_evaluation,
    read_evaluations,
    write_evaluation,
    write_evaluations,
)


def record(**changes) -> Evaluation:
    score = Score('mIoU', 61.5, Protocol(flip=True), {'background': 90.0, 'cat': None})
    values = dict(
        task='seg',
        dataset='pets',
        split='val',
        images=3,
        model='net',
        stage='',
        seed=0,
        scores=[score],
        provenance=dict(config_sha256='a', list=None, weights=None, time='2026-01-01'),
    )
    return Evaluation(**(values | changes))


def test_round_trip(tmp_path: Path) -> None:
    path = tmp_path / 'results' / 'x.json'
    write_evaluation(path, record())
    assert read_evaluation(path) == record()
    assert [p.name for p in path.parent.iterdir()] == ['x.json']


def test_record_without_the_latest_fields(tmp_path: Path) -> None:
    """One of version 0.3, whose protocol does not say what a network was trained on."""
    path = tmp_path / 'x.json'
    write_evaluation(path, record())
    content = json.loads(path.read_text())
    assert content['scores'][0]['protocol'].pop('training') == ''
    path.write_text(json.dumps(content))
    assert read_evaluation(path) == record()


def test_list_of_records(tmp_path: Path) -> None:
    path, single = tmp_path / 'results.json', tmp_path / 'x.json'
    write_evaluations(path, [record(), record(seed=1)])
    assert read_evaluations(path) == [record(), record(seed=1)]
    write_evaluation(single, record(seed=1))
    # Each is exactly what the file of one record holds.
    content = json.loads(path.read_text())
    assert content[1] == json.loads(single.read_text())
    write_evaluations(path, [])
    assert read_evaluations(path) == []
    made = [dict(stage='drs_maps', kind='maps', files=3)]
    write_evaluations(path, [], made)  # of a run without masks
    assert read_evaluations(path) == []
    assert json.loads(path.read_text())['made'] == made
    write_evaluations(path, [record()], made)
    assert read_evaluations(path) == [record()]
    path.write_text(json.dumps([content[0], dict(content[1], colour='red')]))
    with pytest.raises(InputError, match=r'record 2: .*results.json is damaged.*colour'):
        read_evaluations(path)
    with pytest.raises(InputError, match=r'x.json: is no list of records'):
        read_evaluations(single)


def test_broken_records_are_named(tmp_path: Path) -> None:
    path = tmp_path / 'x.json'

    def refusal(text: str) -> str:
        path.write_text(text)
        with pytest.raises(InputError) as error:
            read_evaluation(path)
        assert str(path) in str(error.value)
        return str(error.value)

    write_evaluation(path, record())
    content = json.loads(path.read_text())
    assert 'x.json is damaged or no record' in refusal('{"format": 1, "tas')
    assert 'no record' in refusal('[1]')
    assert 'another version' in refusal(json.dumps(content | dict(format=2)))
    assert 'split' in refusal(json.dumps({k: v for k, v in content.items() if k != 'split'}))
    content['scores'][0]['protocol']['colour'] = 'red'
    assert 'damaged' in refusal(json.dumps(content))


def test_per_class_holds_what_json_can() -> None:
    assert per_class(('a', 'b'), [12.345, float('nan')]) == {'a': 12.35, 'b': None}
    with pytest.raises(ValueError, match='zip'):
        per_class(('a', 'b'), [1.0])


def test_config_hash_is_of_what_comes_out() -> None:
    base = dict(model=dict(type='A', depth=2), test_dataloader=dict(num_workers=2, batch_size=1))
    same = dict(
        test_dataloader=dict(batch_size=1, num_workers=9),
        model=dict(depth=2, type='A'),
        work_dir='elsewhere',
        randomness=dict(seed=3),
    )
    assert config_hash(base | dict(randomness=dict(seed=0))) == config_hash(same)
    assert config_hash(base) != config_hash(base | dict(model=dict(type='A', depth=3)))


def test_provenance(tmp_path: Path) -> None:
    weights = tmp_path / 'net.pth'
    weights.write_bytes(b'abc')
    found = provenance({}, tmp_path / 'gone.txt', weights)
    sha = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'  # of 'abc'
    assert found['weights'] == dict(name='net.pth', sha256=sha) and found['list'] is None
    assert package_versions()['torch'].startswith('2.13')
    assert git_revision() == '' or len(git_revision().removesuffix('-dirty')) == 40
