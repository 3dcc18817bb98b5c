"""The notebooks: their outputs belong to their sources, and they run cell by cell as they are."""

import base64
import copy
import importlib.util
import io
import json
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.pipeline import load_settings
from tests.pipeline_runs import ROOT, SETTINGS

FOLDER = ROOT / 'docs' / 'notebooks'
NAMES = ['cues_and_methods', 'drs_in_your_model', 'own_photographs', 'reading_records']
METADATA = {
    'kernelspec': {'display_name': 'Python 3', 'language': 'python', 'name': 'python3'},
    'language_info': {'name': 'python'},
}
IMAGES = {'image/jpeg', 'image/png'}
#: The example notebook of the tests of the runner.
CELLS = {
    'parameters': 'count = 3\n',
    'shown': (
        'import matplotlib.pyplot as plt\n'
        'import numpy as np\n'
        "import os; print('before', count, os.path.abspath('here'))\n"
        'plt.figure(figsize=(2, 1))\n'
        'plt.imshow(np.zeros((2, 2)))\n'
        'plt.show()\n'
        "print('after')\n"
        'plt.figure(figsize=(3, 1))\n'
        'plt.plot([0, 1])\n'
        'count\n'
    ),
    'silent': 'count = count + 1\nNone\n',
    'table': (
        'class Table:\n'
        '    def __repr__(self): return str(count)\n'
        "    def _repr_html_(self): return '<b>4</b>'\n"
        '\n'
        'Table()\n'
    ),
}


@pytest.fixture(scope='module')
def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location('run_notebooks', FOLDER / 'run.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run_here(runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs a notebook of the folder, in an empty folder; its outputs by cell."""

    def run(name: str, **parameters: Any) -> dict[str, list]:
        notebook = runner.read_notebook(FOLDER / f'{name}.ipynb')
        paths = [str(ROOT), os.environ.get('PYTHONPATH', '')]
        monkeypatch.setenv('PYTHONPATH', os.pathsep.join(filter(None, paths)))
        monkeypatch.setenv('OMP_NUM_THREADS', '1')
        monkeypatch.chdir(tmp_path)
        plt.switch_backend('Agg')
        found = runner.run_cells(notebook, parameters)
        ids = [cell['id'] for cell in runner.code_cells(notebook)]
        return dict(zip(ids, found, strict=True))

    return run


def stored(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f'{name}.ipynb').read_text(encoding='utf-8'))


def stored_outputs(name: str) -> dict[str, list]:
    cells = stored(name)['cells']
    return {cell['id']: cell['outputs'] for cell in cells if cell['cell_type'] == 'code'}


def words(outputs: list[dict[str, Any]]) -> list:
    """What outputs are, without numbers: the kinds of data, and the words of texts in order."""
    found = []
    for output in outputs:
        data = output.get('data') or {'text/plain': output['text']}
        found.append(sorted(data))
        text = ''.join(data['text/plain'])
        found += [word for word in re.findall(r'[A-Za-z_]+', text) if word.lower() != 'nan']
    return found


def text_of(outputs: list[dict[str, Any]]) -> str:
    return ''.join(''.join(output['text']) for output in outputs if 'text' in output)


def compare(name: str, made: dict[str, list], varying: tuple[str, ...] = ()) -> None:
    """All cells show what is stored of them, but for numbers; ``varying`` only as many outputs."""
    kept = stored_outputs(name)
    assert list(made) == list(kept)
    for cell, outputs in made.items():
        if cell in varying:
            assert len(outputs) == len(kept[cell]), cell
        else:
            assert words(outputs) == words(kept[cell]), cell


def test_every_notebook_is_tested() -> None:
    assert sorted(path.stem for path in FOLDER.glob('*.ipynb')) == NAMES


@pytest.mark.parametrize('name', NAMES)
def test_format(name: str) -> None:
    """Valid in nbformat 4.5, in plain Python, and small."""
    assert (FOLDER / f'{name}.ipynb').stat().st_size < 400_000
    notebook = stored(name)
    assert set(notebook) == {'cells', 'metadata', 'nbformat', 'nbformat_minor'}
    assert (notebook['nbformat'], notebook['nbformat_minor']) == (4, 5)
    assert {
        key: value for key, value in notebook['metadata'].items() if key != 'mmdrs'
    } == METADATA
    keys = {'cell_type', 'id', 'metadata', 'source'}
    for cell in notebook['cells']:
        assert cell['cell_type'] in ('code', 'markdown')
        assert re.fullmatch(r'[a-z0-9-]{1,64}', cell['id'])
        assert cell['metadata'] == {}
        assert cell['source'] and all(line.endswith('\n') for line in cell['source'][:-1])
        if cell['cell_type'] == 'code':
            assert set(cell) == keys | {'execution_count', 'outputs'}
            assert cell['execution_count'] is None
            assert not any(re.match(r'\s*[%!?]', line) for line in cell['source'])  # magics
        else:
            assert set(cell) == keys
    ids = [cell['id'] for cell in notebook['cells']]
    assert len(set(ids)) == len(ids)
    assert notebook['cells'][0]['source'][0].startswith('# ')


@pytest.mark.parametrize('name', NAMES)
def test_outputs_belong_to_the_sources(runner, name: str) -> None:
    """Else: python docs/notebooks/run.py NAME."""
    notebook = stored(name)
    assert notebook['metadata']['mmdrs'] == {'sources_sha256': runner.sources_hash(notebook)}
    edited = copy.deepcopy(notebook)
    runner.code_cells(edited)[-1]['source'].append('\n')
    assert runner.sources_hash(edited) != runner.sources_hash(notebook)


@pytest.mark.parametrize('name', NAMES)
def test_stored_outputs(name: str) -> None:
    """Texts without paths of a machine and without errors; pictures that can be read."""
    pictures = 0
    for outputs in stored_outputs(name).values():
        for output in outputs:
            assert output['output_type'] in ('stream', 'display_data', 'execute_result')
            for kind, value in output.get('data', {'text/plain': output.get('text')}).items():
                if kind in IMAGES:
                    with Image.open(io.BytesIO(base64.b64decode(value))) as picture:
                        assert f'image/{picture.format.lower()}' == kind
                        assert 100 < max(picture.size) <= 1200
                    pictures += 1
                else:
                    assert kind in ('text/plain', 'text/html')
                    assert not re.search(r'/(tmp|home|root|Users|work)/|Traceback', ''.join(value))
    assert pictures >= 2


def test_what_the_notebooks_name_is_there() -> None:
    settings = load_settings(SETTINGS).cfg
    links, names = [], []
    for name in NAMES:
        text = '\n'.join(''.join(cell['source']) for cell in stored(name)['cells'])
        links += re.findall(r'\]\((\.\./[^)#]+)\)', text)
        links += [f'../../{path}' for path in re.findall(r'`((?:configs|tools)/[^`]+)`', text)]
        rows = re.findall(r'^\| (?!what |---).*\|$', text, re.MULTILINE)
        names += [key for row in rows for key in re.findall(r'`([a-z_]+)[`=.]', row)]
    assert len(links) > 5 and len(names) > 8
    assert [link for link in links if not (FOLDER / link).exists()] == []
    assert [key for key in names if key not in settings] == []


def test_own_photographs(run_here, tmp_path: Path) -> None:
    made = run_here('own_photographs', EPOCHS=1)
    compare('own_photographs', made, varying=('predict',))
    run = tmp_path / 'work_dirs' / 'notebooks' / 'birds_run'
    for number in range(1, 11):
        assert f'[{number}/10] ' in text_of(made['run'])
    records = read_evaluations(run / 'results.json')
    (score,) = (s.value for r in records if r.stage == 'evaluation' for s in r.scores)
    assert f'evaluation     mIoU {score:.1f}\n' in text_of(made['scores'])
    assert f' {score:.1f} ' in text_of(made['leaderboard'])
    drawn = re.findall(r'^drawn: (.*?)  found: \[.*\]$', text_of(made['predict']), re.MULTILINE)
    assert drawn == ["['robin']", "['tit']", "['robin', 'tit']"]
    assert (run.parent / 'birds.html').is_file()
    assert {path.name for path in tmp_path.iterdir()} == {'work_dirs'}


def test_drs_in_your_model(run_here) -> None:
    made = run_here('drs_in_your_model')
    compare('drs_in_your_model', made)
    assert '(layer4): DRS(delta=0.55)' in text_of(made['wrap'])
    stock, constant, learnable = map(
        float, re.findall(r'[\d.]+', text_of(made['parameters-table']))
    )
    assert stock == constant
    assert learnable - stock == pytest.approx((256**2 + 512**2) / 1e6, abs=0.011)
    assert 'unexpected: []' in text_of(made['weights'])


def test_cues_and_methods(run_here, request: pytest.FixtureRequest) -> None:
    """Without grad-cam, everything but its methods."""
    try:
        request.getfixturevalue('grad_cam')
        varying = ()
    except pytest.skip.Exception:
        varying = ('methods-run', 'methods-picture')
    made = run_here('cues_and_methods', EPOCHS=1, IMAGES=8)
    compare('cues_and_methods', made, varying)
    if varying:
        assert 'skipped: pytorch-grad-cam cannot be imported' in text_of(made['methods-run'])


def test_reading_records(run_here) -> None:
    pytest.importorskip('pandas')
    made = run_here('reading_records')
    compare('reading_records', made)
    (table,) = made['seeds']
    assert table == stored_outputs('reading_records')['seeds'][0]  # of the committed records


def example(path: Path, **cells: str) -> Path:
    """Write a notebook of code cells."""
    made = [
        dict(cell_type='code', id=id_, source=source.splitlines(True), outputs=[], metadata={})
        for id_, source in {**CELLS, **cells}.items()
    ]
    path.write_text(json.dumps(dict(cells=made, metadata={})))
    return path


def test_runner_stores_what_cells_show(runner, tmp_path: Path, capsys) -> None:
    path = example(tmp_path / 'example.ipynb')
    runner.store(path)
    assert capsys.readouterr().out.startswith('example.ipynb: ')
    notebook = runner.read_notebook(path)
    assert notebook['metadata']['mmdrs']['sources_sha256'] == runner.sources_hash(notebook)
    outputs = {cell['id']: cell['outputs'] for cell in notebook['cells']}
    assert outputs['parameters'] == outputs['silent'] == []
    first, picture, second, plot, value = outputs['shown']
    assert (first['text'], second['text']) == (['before 3 here\n'], ['after\n'])
    sizes = []
    for output, kind in ((picture, 'image/jpeg'), (plot, 'image/png')):
        data = base64.b64decode(output['data'][kind])
        sizes.append(Image.open(io.BytesIO(data)).size)
    assert sizes == [(2 * runner.DPI, runner.DPI), (3 * runner.DPI, runner.DPI)]
    assert value['data'] == {'text/plain': ['3']}
    (table,) = outputs['table']
    assert table['data'] == {'text/html': ['<b>4</b>'], 'text/plain': ['4']}


def test_runner_keeps_the_file_where_a_cell_fails(runner, tmp_path: Path, capfd) -> None:
    path = example(tmp_path / 'example.ipynb', failing='undefined\n')
    before = path.read_bytes()
    with pytest.raises(subprocess.CalledProcessError):
        runner.store(path)
    assert path.read_bytes() == before
    assert 'cell failing' in capfd.readouterr().err


def test_runner_sets_parameters(runner) -> None:
    notebook = dict(
        cells=[
            dict(cell_type='code', id='parameters', source=['count = 3']),
            dict(cell_type='markdown', id='text', source=['# text']),
            dict(cell_type='code', id='shown', source=['print(count)']),
        ]
    )
    assert text_of(runner.run_cells(notebook, dict(count=5))[1]) == '5\n'
    assert text_of(runner.run_cells(notebook)[1]) == '3\n'
