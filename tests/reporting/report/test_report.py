"""The report on finished, partly finished and foreign work directories."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mmdrs.evaluation.records.record import read_evaluation
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


def test_everything_is_in_one_file(page: Path, finished: Path) -> None:
    text = page.read_text()
    for stage in STAGES:
        assert f'>{stage}<' in text
    for path in finished.glob('*/results/*.json'):
        record = read_evaluation(path)
        head = f'<tr><th scope="row">{record.stage}</th><td class="left">{record.split}</td>'
        row = re.search(f'{head}.*?</tr>', text, re.S)[0]
        for score in record.scores:
            assert f'<td>{score.value:.1f}</td>' in row, (path, score)
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


@pytest.mark.parametrize(('source', 'words'), [('', 'not given'), ('CS<Net', 'CS&lt;Net')])
def test_settings_say_the_source_of_the_saliency_maps(source, words, copied: Path) -> None:
    description = copied / 'pipeline.json'
    content = json.loads(description.read_text())
    content['settings']['pseudo_labels']['background_cue']['source'] = source
    description.write_text(json.dumps(content))
    text = write_report(copied, images=0).read_text()
    cue = re.search('>background cue</th><td class="left">(.*?)</td>', text)[1]
    assert cue == f'type saliency, threshold 50, source {words}'


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
    labels.write_text(json.dumps(done | dict(fingerprint='another')))
    (copied / 'drs_maps').rename(copied / 'drs_maps.0123abcd')
    # Nothing but JSON is read, and not the results of the whole run.
    for path in (*copied.glob('*.py'), *copied.glob('*/*.py'), copied / 'results.json'):
        path.unlink()
    text = write_report(copied, images=1).read_text()
    assert '<code>evaluation</code>: not finished' in text
    assert '<code>pseudo_labels</code>: made with other settings' in text
    assert '<code>drs_maps</code>: not run yet' in text
    assert '<code>&lt;stage&gt;.&lt;8 hex digits&gt;</code>: 1 earlier' in text
    assert '>prediction<' not in text and 'data-score' not in text


class Page(HTMLParser):
    """What the page is made of: unclosed elements, ids, the policy."""

    VOID = ('meta', 'link', 'img')

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.policy = ''
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids += [values['id']] if 'id' in values else []
        if values.get('http-equiv') == 'Content-Security-Policy':
            self.policy = values['content']
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_well_formed_and_asks_for_nothing(page: Path) -> None:
    read = Page(page.read_text())
    assert read.open == [] and len(set(read.ids)) == len(read.ids)
    assert {'summary', 'images', 'curves', 'classes', 'sizes', 'cards', 'tools'} <= set(read.ids)
    rules = dict(rule.strip().split(' ', 1) for rule in read.policy.split(';'))
    assert rules.pop('default-src') == "'none'"
    assert set(rules.values()) == {'data:', "'unsafe-inline'"}


def test_page_is_reproducible(page: Path, finished: Path, tmp_path: Path) -> None:
    again = write_report(finished, tmp_path / 'report.html', images=4)
    assert again.read_bytes() == page.read_bytes()


def test_several_processes(page: Path, copied: Path) -> None:
    """They compute the same."""
    description = copied / 'pipeline.json'
    description.write_text(description.read_text().replace('"num_workers": 0', '"num_workers": 2'))
    parts = [path.read_text() for path in (page, write_report(copied, images=4))]
    alone, together = (text[text.index('<section id="images">') :] for text in parts)
    assert alone == together


def test_tables_of_classes_confusion_and_sizes(page: Path) -> None:
    """The mean of the classes is the score of the stage; rows of the matrix sum to 100."""
    text = page.read_text()
    classes = text[text.index('<section id="classes">') : text.index('<section id="sizes">')]
    tables = re.findall(r'<table class="(\w+)">(.*?)</table>', classes, re.S)
    assert [kind for kind, _ in tables] == ['bars', 'matrix', 'matrix']
    mean = re.search(r'<b>mean</b>.*?</tr>', tables[0][1], re.S)[0]
    labels, prediction = re.findall(r'class="number">([0-9.]+)<', mean)
    scores = text[: text.index('<h3>Time</h3>')]
    for stage, value in (('pseudo_labels', labels), ('evaluation', prediction)):
        assert f'<td>{value}</td>' in re.search(rf'"row">{stage}<.*?</tr>', scores, re.S)[0]
    for row in re.findall(r'<tr><th scope="row">.*?</tr>', tables[2][1], re.S):
        cells = [float(cell) for cell in re.findall(r': ([0-9.]+) %"', row)]
        assert len(cells) == 4 and sum(cells) == pytest.approx(100, abs=0.05)
    sizes = text[text.index('<section id="sizes">') :]
    counts = [int(number) for number in re.findall(r'<td>(\d+)</td></tr>', sizes)]
    assert counts == [3] * 9  # nine objects in thirds, for each of three stages


def test_tool(copied: Path, capsys) -> None:
    tool = load_tool('analysis_tools/report')
    tool.main([str(copied), '--examples', '2'])
    assert f'report: {copied / "report.html"}' in capsys.readouterr().out
    with pytest.raises(SystemExit, match='error: .*gone'):
        tool.main([str(copied / 'gone')])
    with pytest.raises(SystemExit, match='error: .*which is not there.*--data-root'):
        tool.main([str(copied), '--data-root', str(copied / 'moved')])
