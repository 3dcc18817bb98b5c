"""The tutorial notebook: clean in the repository, and run cell by cell as it is."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.pipeline import load_settings
from mmdrs.pseudo_labels.label_file import read_label
from tests.pipeline_runs import ROOT, SETTINGS

NOTEBOOK = ROOT / 'docs' / 'tutorial.ipynb'
# The cells hold plain Python, no magics: they run without Jupyter.
DRIVER = """
import json, sys
names = {'__name__': '__main__'}
with open(sys.argv[1], encoding='utf-8') as file:
    cells = json.load(file)['cells']
for cell in cells:
    if cell['cell_type'] == 'code':
        exec(compile(''.join(cell['source']), f'cell {cell["id"]}', 'exec'), names)
"""
SCORED = ['plain_maps', 'drs_maps', 'refined_maps', 'pseudo_labels', 'evaluation']
IMAGES = dict(train=48, val=12)


class Run(NamedTuple):
    """What a run of the notebook has printed, and the folder that it has written."""

    printed: str
    work: Path


@pytest.fixture(scope='module')
def notebook() -> dict:
    return json.loads(NOTEBOOK.read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The notebook, run in a process and a folder of its own."""
    here, temporary = tmp_path_factory.mktemp('here'), tmp_path_factory.mktemp('temporary')
    env = {
        **os.environ,
        'MPLBACKEND': 'Agg',
        'OMP_NUM_THREADS': '1',
        'PYTHONPATH': os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')])),
        'TMPDIR': str(temporary),
    }
    command = [sys.executable, '-c', DRIVER, str(NOTEBOOK)]
    done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert not list(here.iterdir())
    (work,) = temporary.glob('mmdrs_tutorial_*')
    assert f'everything is written to {work}\n' in done.stdout
    return Run(done.stdout, work)


def test_notebook_is_clean(notebook) -> None:
    """Valid in nbformat 4.5, with nothing in it that changes from run to run."""
    assert set(notebook) == {'cells', 'metadata', 'nbformat', 'nbformat_minor'}
    assert (notebook['nbformat'], notebook['nbformat_minor']) == (4, 5)
    assert notebook['metadata'] == {
        'kernelspec': {'display_name': 'Python 3', 'language': 'python', 'name': 'python3'},
        'language_info': {'name': 'python'},
    }
    keys = {'cell_type', 'id', 'metadata', 'source'}
    for cell in notebook['cells']:
        assert cell['cell_type'] in ('code', 'markdown')
        assert re.fullmatch(r'[a-z0-9-]{1,64}', cell['id'])
        assert cell['metadata'] == {}
        source = cell['source']
        assert source and all(line.endswith('\n') for line in source[:-1])
        if cell['cell_type'] == 'code':
            assert set(cell) == keys | {'execution_count', 'outputs'}
            assert cell['execution_count'] is None and cell['outputs'] == []
            assert not any(re.match(r'\s*[%!?]', line) for line in source)  # magics
        else:
            assert set(cell) == keys
    ids = [cell['id'] for cell in notebook['cells']]
    assert len(set(ids)) == len(ids)


def test_what_it_names_is_there(notebook) -> None:
    text = '\n'.join(''.join(cell['source']) for cell in notebook['cells'])
    paths = set(re.findall(r'\b(?:configs|docs|tools)/[\w/-]+\.(?:py|md)', text))
    assert len(paths) > 5
    for path in paths:
        assert (ROOT / path).is_file(), path
    rows = re.findall(r'^\| (?!what |---).*\|$', text, re.MULTILINE)
    names = {name for row in rows for name in re.findall(r'`([a-z_]+)[`=.]', row)}
    assert len(names) > 10
    settings = load_settings(SETTINGS)
    for name in names:
        assert name in settings.cfg, name


def test_all_stages_ran(ran: Run) -> None:
    for number in range(1, 11):
        assert f'[{number}/10] ' in ran.printed
    records = read_evaluations(ran.work / 'run' / 'results.json')
    assert list(dict.fromkeys(record.stage for record in records)) == SCORED
    for stage in SCORED:
        splits = {record.split for record in records if record.stage == stage}
        assert splits == ({'val'} if stage == 'evaluation' else {'train', 'val'})
        # In the table of the pipeline, and in the one of the notebook.
        assert len(re.findall(rf'^\| {stage} +\| val +\| ', ran.printed, re.MULTILINE)) == 2
    values = np.array([score.value for record in records for score in record.scores])
    assert np.isfinite(values).all() and (values >= 0).all() and (values <= 100).all()
    assert (ran.work / 'run' / 'overview.png').is_file()


def test_data_maps_and_labels(ran: Run) -> None:
    for split, count in IMAGES.items():
        lines = (ran.work / 'birds' / f'{split}_cls.txt').read_text().splitlines()
        assert len(lines) == count
        assert {tuple(line.split()[1:]) for line in lines} == {('0',), ('1',), ('0', '1')}
        for line in lines:
            name, *classes = line.split()
            for stage in ('plain_maps', 'drs_maps', 'refined_maps'):
                assert (ran.work / 'run' / stage / split / f'{name}.npz').is_file()
            label = read_label(ran.work / 'run' / 'pseudo_labels' / split / f'{name}.png')
            truth = read_label(ran.work / 'birds' / 'SegmentationClass' / f'{name}.png')
            assert label.shape == truth.shape == (64, 64)
            assert set(np.unique(truth)) == {0, *(int(index) + 1 for index in classes)}
            assert set(np.unique(label)) <= {*np.unique(truth), 255}
    for stage in ('plain_maps', 'drs_maps', 'refined_maps'):
        assert f'{stage}: classes (0, 1), uint8 (2, 64, 64), ' in ran.printed
    assert 'the first is the file of the pipeline: True' in ran.printed


def test_leaderboard_and_report(ran: Run) -> None:
    records = read_evaluations(ran.work / 'run' / 'results.json')
    (record,) = (record for record in records if record.stage == 'evaluation')
    (score,) = (score.value for score in record.scores if score.metric == 'mIoU')
    board = ran.printed.partition('## Segmentation: mIoU on birds val')[2]
    assert re.search(rf'\| {score:.1f} +\|', board.partition('$ python')[0])
    report = ran.work / 'report.html'
    assert f'report: {report}\n' in ran.printed
    html = report.read_text(encoding='utf-8')
    for word in ('background', 'robin', 'tit', *SCORED):
        assert re.search(rf'\b{word}\b', html), word


def test_errors_and_own_model(ran: Run) -> None:
    assert re.search(r"^error: .*has no 'data_rot'; did you mean 'data_root'", ran.printed, re.M)
    assert re.search(r'ResNetV1c with ModuleDict\(\s+\(layer4\): DRS\(', ran.printed)
