"""The report on finished, partly finished and foreign work directories."""

import json
import re
import shutil
from pathlib import Path

import pytest

from mmdrs.errors import InputError
from mmdrs.reporting.report import write_report
from tests.pipeline_runs import load_tool

STAGES = ('plain_maps', 'drs_maps', 'refined_maps', 'pseudo_labels', 'segmentation')
PICTURES = (
    'image', 'plain maps', 'DRS maps', 'refined maps', 'saliency', 'pseudo labels', 'prediction',
    'ground truth',
)  # fmt: skip


@pytest.fixture(scope='module')
def page(finished: Path, tmp_path_factory) -> Path:
    return write_report(finished, tmp_path_factory.mktemp('report') / 'report.html', images=4)


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / 'work'))


def test_everything_is_in_one_file(page: Path, finished: Path) -> None:
    text = page.read_text()
    for stage in STAGES:
        assert f'>{stage}<' in text
    # The figures of the pipeline's own table.
    for record in json.loads((finished / 'results.json').read_text()):
        assert f'<td>{record["value"]:.1f}</td>' in text, record
    cards = re.findall(r'<article class="card".*?</article>', text, re.S)
    assert len(cards) == 4
    for card in cards:
        assert tuple(re.findall('<figcaption>(.*?)</figcaption>', card)) == PICTURES
    scores = [float(s) for s in re.findall('data-score="([0-9.]+)"', text)]
    assert scores == sorted(scores)  # worst first
    for name in ('disc', 'bar', 'cross'):
        assert name in text
    # Nothing is asked of anywhere: all sources are data, links lead into the page.
    sources = re.findall(r'(?:src|href|url\()=?"?([^"\s>)]+)', text)
    assert sources and all(source.startswith(('data:', '#')) for source in sources)


def test_curves_are_pictures_too(page: Path) -> None:
    names = {path.stem for path in (page.parent / 'report_files').glob('*.png')}
    assert names == {
        *('maps_miou', 'maps_precision', 'maps_recall'),
        *(f'{stage}_{kind}' for kind in ('loss', 'rate') for stage in (
            'plain_classifier', 'drs_classifier', 'refinement', 'segmentation')),
    }  # fmt: skip


def test_unfinished_and_foreign_stages_are_named(copied: Path) -> None:
    (copied / 'evaluation' / 'done.json').unlink()
    labels = copied / 'pseudo_labels' / 'done.json'
    done = json.loads(labels.read_text())
    for record in done['records']:
        record['seed'] = 7
    labels.write_text(json.dumps(done))
    text = write_report(copied, images=1).read_text()
    assert '<code>evaluation</code>: not finished' in text
    assert '<code>pseudo_labels</code>: made with seed 7, the settings have 0' in text
    assert '>prediction<' not in text and 'data-score' not in text


def test_no_pipeline(tmp_path: Path, copied: Path) -> None:
    with pytest.raises(InputError, match='is no work directory of tools/pipeline.py'):
        write_report(tmp_path)
    for done in copied.glob('*/done.json'):
        done.unlink()
    with pytest.raises(InputError, match='no stage can be reported'):
        write_report(copied)


def test_tool(copied: Path, capsys) -> None:
    tool = load_tool('analysis_tools/report')
    tool.main([str(copied), '--images', '2'])
    assert f'report: {copied / "report.html"}' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='error: .*gone'):
        tool.main([str(copied / 'gone')])
    with pytest.raises(SystemExit, match='error: .*which is not there.*--data-root'):
        tool.main([str(copied), '--data-root', str(copied / 'moved')])
