"""Which stages of a work directory belong together, and that only JSON is read."""

import json
from pathlib import Path
from typing import Any

import pytest

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, Protocol, Score, write_evaluation
from mmdrs.reporting.report import write_report
from mmdrs.reporting.report.reported_run import ReportedRun, read_run

STAGES = dict(plain_classifier='train', plain_maps='maps', drs_classifier='train', drs_maps='maps')


def finish(work_dir: Path, stage: str, value: float | None = None, **changes: Any) -> None:
    """Write what the pipeline leaves of a finished stage."""
    folder = work_dir / stage
    folder.mkdir(exist_ok=True)
    made = dict(fingerprint=f'print of {stage}', scores='masks')
    (folder / 'started.json').write_text(json.dumps(made))
    done = dict(made, seconds=60, finished='2026-01-01T10:00:00Z')
    (folder / 'done.json').write_text(json.dumps(done | dict(other='key') | changes))
    if value is not None:
        score = Score('coverage', value, Protocol(), {})
        made = dict(config_sha256='c', list=None, weights=None, time='2026-01-01')
        record = Evaluation('seed', 'pets', 'val', 2, 'net', stage, 0, [score], made)
        write_evaluation(folder / 'results' / 'seed_val.json', record)


def describe(work_dir: Path, **changes: Any) -> None:
    """Write the description of a run that has no data set."""
    stages = {
        name: dict(
            kind=kind, title=f'title of {name}', fingerprint=f'print of {name}', scores='masks'
        )
        for name, kind in STAGES.items()
    }
    content = dict(format=1, settings=dict(seed=0), stages=stages, datasets={}) | changes
    (work_dir / 'pipeline.json').write_text(json.dumps(content))


def scores(run: ReportedRun) -> list[float]:
    evaluations = [e for stage in run.stages.values() for e in stage.evaluations]
    return [evaluation.scores[0].value for evaluation in evaluations]


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    describe(tmp_path)
    for number, (name, kind) in enumerate(STAGES.items()):
        finish(tmp_path, name, number if kind == 'maps' else None)
    return tmp_path


def test_all_fit(work_dir: Path) -> None:
    run = read_run(work_dir)
    assert {name: stage.kind for name, stage in run.stages.items()} == STAGES
    assert run.left_out == [] and run.settings == dict(seed=0)
    assert scores(run) == [1, 3]
    stage = run.stages['drs_maps']
    assert (stage.title, stage.seconds) == ('title of drs_maps', 60)
    assert stage.finished == '2026-01-01T10:00:00Z'


def test_a_clock_set_back_drops_no_stage(work_dir: Path) -> None:
    """Stages count by their fingerprints, in the order of the pipeline."""
    times = ('2026-10-25T02:59:00Z', '2026-10-25T02:01:00Z', '1970-01-01T00:00:00Z', 'noon')
    for number, (stage, time) in enumerate(zip(STAGES, times, strict=True)):
        finish(work_dir, stage, number, finished=time)
    run = read_run(work_dir)
    assert list(run.stages) == list(STAGES) and run.left_out == []
    assert [stage.finished for stage in run.stages.values()] == list(times)
    assert scores(run) == [0, 1, 2, 3]


def test_reasons(work_dir: Path) -> None:
    """The fingerprints decide; folders of earlier generations are not named one by one."""
    finish(work_dir, 'plain_classifier', scores='other masks')
    finish(work_dir, 'plain_maps', 9, fingerprint='print of another')
    (work_dir / 'drs_classifier' / 'done.json').unlink()
    (work_dir / 'drs_maps' / 'done.json').unlink()
    (work_dir / 'drs_maps' / 'started.json').unlink()
    for name in ('drs_maps.0123abcd', 'drs_maps.89abcdef-2', 'refinement', 'other'):
        finish(work_dir, name, 5)
    (work_dir / 'notes').mkdir()
    stages = json.loads((work_dir / 'pipeline.json').read_text())['stages']
    kept = dict(kind='train', title='', fingerprint='print of refinement', scores='masks')
    describe(work_dir, stages=dict(stages, refinement=kept))
    run = read_run(work_dir)
    assert list(run.stages) == ['refinement'] and scores(run) == [5]
    assert dict(run.left_out) == {
        'plain_classifier': 'scored with other masks or label rules',
        'plain_maps': 'made with other settings',
        'drs_classifier': 'not finished',
        'drs_maps': 'not run yet',
        'other': 'no stage of these settings',
        '<stage>.<8 hex digits>': '2 earlier, of other settings',
    }


def test_a_stage_without_fingerprint_does_not_match(work_dir: Path) -> None:
    describe(work_dir, stages=dict(plain_maps=dict(kind='maps', title='')))
    with pytest.raises(InputError, match='plain_maps: made with other settings'):
        read_run(work_dir)
    (work_dir / 'plain_maps' / 'done.json').write_text('{"seconds": 1, "finished": ""}')
    with pytest.raises(InputError, match=r'plain_maps: done.json is damaged; give the command'):
        read_run(work_dir)


@pytest.mark.parametrize(
    ('file', 'text', 'message'),
    [
        ('pipeline.json', '{', 'pipeline.json is damaged'),
        ('pipeline.json', '[]', 'pipeline.json is damaged'),
        ('pipeline.json', '{"format": 2}', 'pipeline.json: was written by another version'),
        ('pipeline.json', '{"format": 1, "stages": {}, "settings": 3}', "'settings' is damaged"),
        (
            'plain_maps/done.json',
            '{"fingerprint": "print of plain_maps", "scores": "masks"}',
            'plain_maps/done.json is damaged.*finished',
        ),
        ('plain_maps/results/seed_val.json', '{', 'seed_val.json is damaged'),
    ],
)
def test_damage_is_named(work_dir: Path, file: str, text: str, message: str) -> None:
    (work_dir / file).write_text(text)
    with pytest.raises(InputError, match=message):
        read_run(work_dir)


@pytest.mark.parametrize('text', ['', '{"fingerprint": ', '[]'])
def test_stage_with_a_damaged_state_is_left_out(work_dir: Path, text: str) -> None:
    (work_dir / 'plain_maps' / 'done.json').write_text(text)
    ((stage, reason),) = read_run(work_dir).left_out
    assert stage == 'plain_maps' and reason.startswith('done.json is damaged; give the command')


def test_stages_cannot_name_other_folders(work_dir: Path) -> None:
    stage = dict(kind='train', title='', fingerprint='')
    describe(work_dir, stages={'../elsewhere': stage})
    with pytest.raises(InputError, match="'../elsewhere' is no name of a stage"):
        read_run(work_dir)


def test_foreign_python_does_not_run(work_dir: Path, monkeypatch) -> None:
    """Neither that of the settings, nor of dumped configs, nor what a ``type`` names."""
    traps = [work_dir / name for name in ('settings.py', 'drs_maps/config.py', 'trap_of_test.py')]
    for trap in traps:
        trap.write_text(f'open({str(work_dir / "sprung")!r}, "w").close()\nPipeline = dict\n')
    monkeypatch.syspath_prepend(work_dir)

    def refused(**config: Any) -> None:
        describe(work_dir, datasets=dict(val=dict(data_root=str(work_dir), **config)))
        with pytest.raises(InputError, match=r'data set is a|pipeline.json is not a readable'):
            write_report(work_dir)
        assert not (work_dir / 'sprung').exists()

    refused(type='trap_of_test.Pipeline')
    refused(type='subprocess.run', args=['touch', str(work_dir / 'sprung')])
    refused(type='ConcatDataset', datasets=[dict(type='trap_of_test.Pipeline')])
    refused(type='BaseSegDataset', no_such_argument=1)
    # The pipeline of transforms would be built through the registry: it is not taken over.
    lists = work_dir / 'list.txt'
    lists.write_text('a\n')
    (work_dir / 'a.jpg').write_bytes(b'')
    config = dict(type='BaseSegDataset', data_root=str(work_dir), ann_file='list.txt')
    pipeline = [dict(type='trap_of_test.Pipeline')]
    meta = dict(classes=['background', 'cat'], palette=[[0, 0, 0], [9, 9, 9]])
    describe(work_dir, datasets=dict(val=dict(config, metainfo=meta, pipeline=pipeline)))
    write_report(work_dir, images=0)
    assert not (work_dir / 'sprung').exists()


def test_no_pipeline(tmp_path: Path, work_dir: Path) -> None:
    (tmp_path / 'empty').mkdir()
    with pytest.raises(InputError, match=r'is no work directory of tools/pipeline.py'):
        read_run(tmp_path / 'empty')
    for done in work_dir.glob('*/done.json'):
        done.unlink()
    with pytest.raises(InputError, match='no stage can be reported.*drs_maps: not finished'):
        read_run(work_dir)
