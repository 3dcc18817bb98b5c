"""The leaderboard: averaging, ranking, and what is left out."""

import csv
import io
import json
from pathlib import Path

import pytest

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, Protocol, Score, write_evaluation
from mmdrs.reporting.leaderboard import collection, ranking
from mmdrs.reporting.leaderboard.ranking import Row, read_published, tables
from mmdrs.reporting.leaderboard.table_formats import to_csv, to_html, to_json, to_markdown
from tests.pipeline_runs import load_tool

CLASSES = ('background', 'cat')


def put(
    work_dir: Path,
    value: float,
    seed: int = 0,
    name: str = 'a',
    protocol: Protocol | None = None,
    classes: tuple[str, ...] = CLASSES,
    **changes,
) -> Path:
    """Write a record into a work directory."""
    by_class = {c: value + n for n, c in enumerate(classes)}
    values = dict(
        task='seg',
        dataset='VOC 2012',
        split='val',
        images=1449,
        model='net',
        stage='',
        seed=seed,
        scores=[Score('mIoU', value, protocol or Protocol(), by_class)],
        provenance=dict(config_sha256='c', list=None, weights=None, time=f'2026-01-0{seed + 1}'),
    )
    write_evaluation(work_dir / 'results' / f'{name}.json', Evaluation(**(values | changes)))
    return work_dir


def rows(*work_dirs: Path, dataset: str = '') -> list[Row]:
    found, _ = collection.collect(work_dirs, dataset)
    return ranking.rows(found)


def markdown_cells(text: str) -> list[list[str]]:
    """The cells of all lines of Markdown tables."""
    lines = [line for line in text.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]


def test_seeds_are_averaged(tmp_path: Path) -> None:
    dirs = [put(tmp_path / f'run{seed}', 60 + 3 * seed, seed) for seed in range(3)]
    (row,) = rows(*dirs)
    assert row.value == 63 and row.spread == 3 and row.seeds == (0, 1, 2)
    assert row.per_class == {'background': 63, 'cat': 64}


def test_the_latest_of_a_seed_counts(tmp_path: Path) -> None:
    put(tmp_path, 10, name='old')
    late = dict(config_sha256='c', list=None, weights=None, time='2026-02-01')
    put(tmp_path, 20, name='new', provenance=late)
    (row,) = rows(tmp_path)
    assert row.value == 20 and row.spread is None


def test_what_differs_is_not_averaged(tmp_path: Path) -> None:
    """Protocol, config, list, split, model and stage."""
    base = dict(config_sha256='c', list=None, weights=None, time='2026-01-01')
    put(tmp_path, 50)
    put(tmp_path, 51, name='b', protocol=Protocol(crop='centre crop 513 x 513'))
    put(tmp_path, 52, name='c', provenance=base | dict(config_sha256='d'))
    put(tmp_path, 53, name='d', provenance=base | dict(list=dict(name='v', sha256='1')))
    put(tmp_path, 54, name='e', split='test')
    put(tmp_path, 55, name='f', model='other')
    found = rows(tmp_path)
    assert sorted(row.value for row in found) == [50, 51, 52, 53, 54, 55]
    assert {row.protocol for row in found} == {'standard', 'centre crop 513 x 513'}


def test_ranked_among_published_results(tmp_path: Path) -> None:
    published = read_published()
    assert all(row.source and row.protocol for row in published)
    own = rows(put(tmp_path, 69.9))
    (ranked,) = tables(own, published)
    assert ranked[0].table == ('seg', 'VOC 2012', 'val', 'mIoU')
    values = [row.value for row in ranked]
    assert values == sorted(values, reverse=True) and max(values) == 83.1
    place = next(n for n, row in enumerate(ranked) if not row.published)
    assert ranked[place - 1].value == 70.0 and ranked[place + 1].value == 69.4
    # The rows of the reference, at least: DRS on val with both networks, and on test.
    drs = {(r.split, r.value) for r in published if r.model.startswith('DRS')}
    assert drs >= {('val', 71.0), ('val', 70.4), ('test', 70.7)}


def test_rows_say_the_source_of_the_saliency_maps(tmp_path: Path) -> None:
    """In ours, and in published ones as far as it is known; it keeps runs apart."""
    cue = 'pseudo labels: saliency > 50 ({})'.format
    put(tmp_path, 61, name='a', protocol=Protocol(training=cue('CSNet')))
    put(tmp_path, 62, name='b', protocol=Protocol(training=cue('source not given')), seed=1)
    own = rows(tmp_path)
    assert [row.protocol for row in own] == [
        f'trained on {cue("CSNet")}',
        f'trained on {cue("source not given")}',
    ]
    published = read_published()
    for text in (to_markdown(own, published), to_html(own, published).replace('&gt;', '>')):
        assert all(row.protocol in text for row in own)
    drs = [row for row in published if row.model.startswith('DRS (DeepLab')]
    assert len(drs) == 6 and all('(PoolNet)' in row.protocol for row in drs)
    # A benchmark of saliency networks: the same rules.
    for model, threshold, expected in (
        ('CAM (WSSS-BED)', 0.1, [63.2, 62.9, 68.5, 70.5, 61.6, 69.3]),
        ('DRS (WSSS-BED)', 0.5, [63.2, 62.7, 68.1, 70.0, 61.3, 68.9]),
    ):
        found = [row for row in published if row.model == model]
        assert [row.value for row in found] == expected
        assert len({row.protocol for row in found}) == len(expected)
        rule = f'map threshold {threshold}; trained on pseudo labels: saliency > 51 ('
        assert all(rule in row.protocol for row in found)


def test_published_results_of_other_data_sets_are_left_out(tmp_path: Path) -> None:
    own = rows(put(tmp_path, 70.0, dataset='shapes'))
    (ranked,) = tables(own, read_published())
    assert [row.published for row in ranked] == [False]


def test_what_does_not_belong_is_named(tmp_path: Path) -> None:
    good = put(tmp_path / 'good', 50)
    other_data = put(tmp_path / 'pets', 90, dataset='pets')
    other_classes = put(tmp_path / 'coco', 90, classes=('background', 'cat', 'dog'))
    broken = put(tmp_path / 'broken', 90)
    (broken / 'results' / 'a.json').write_text('{')
    foreign = tmp_path / 'foreign'
    foreign.mkdir()
    stopped = put(tmp_path / 'stopped' / 'evaluation', 90, stage='evaluation').parent
    (stopped / 'evaluation' / 'started.json').write_text('{}')
    outdated = put(tmp_path / 'outdated' / 'evaluation.0123abcd', 90).parent
    (outdated / 'evaluation.0123abcd' / 'started.json').write_text('{}')
    dirs = [good, other_data, other_classes, broken, foreign, stopped, outdated]
    found, left_out = collection.collect(dirs)
    assert [row.value for row in ranking.rows(found)] == [50]
    text = '\n'.join(left_out)
    for part in (
        "pets (net, val): data set 'pets', not 'VOC 2012'",
        'coco (net, val): other classes: 3 (background, cat, dog, ...) where the first',
        'broken/results/a.json is damaged or no record',
        'foreign: holds no results/*.json',
        'stopped/evaluation: the stage was interrupted',
        'outdated: holds no results/*.json',
    ):
        assert part in text, part
    assert '0123abcd' not in text  # an earlier generation is nothing to report
    assert rows(*dirs, dataset='pets')[0].value == 90
    with pytest.raises(InputError, match="no evaluation on the data set 'cars'"):
        rows(*dirs, dataset='cars')
    with pytest.raises(InputError, match=r'no finished evaluation.*\n.*foreign'):
        rows(foreign)


def test_formats(tmp_path: Path) -> None:
    own = rows(put(tmp_path / 's0', 60, 0), put(tmp_path / 's1', 62, 1))
    own += rows(put(tmp_path / 'x', 58.5, protocol=Protocol(crf='1 <x>')))
    text = to_markdown(own, [])
    cells = markdown_cells(text)
    sources = f'{tmp_path / "s0"}, {tmp_path / "s1"}'
    assert cells[2] == ['1', 'net', '61.0 ± 1.4', '', '2', 'standard', sources]
    assert cells[3][:6] == ['2', 'net', '58.5', '-2.5', '1', 'CRF 1 <x>']
    assert cells[4:7:2] == [['IoU by class', *CLASSES], ['net', '61.0', '62.0']]
    lines = list(csv.DictReader(io.StringIO(to_csv(own, []))))
    assert [line['rank'] for line in lines] == ['1', '2']
    assert float(lines[1]['above']) == -2.5 and lines[0]['published'] == '0'
    (table,) = json.loads(to_json(own, []))
    assert table['split'] == 'val' and table['rows'][0]['seeds'] == [0, 1]
    page = to_html(own, read_published())
    assert 'CRF 1 &lt;x&gt;' in page and '<x>' not in page
    assert '(published)' in page and '://' not in page
    assert r'| a\|b ' in to_markdown(rows(put(tmp_path / 'p', 1, model='a|b')), [])


def test_tool(tmp_path: Path, capsys) -> None:
    tool = load_tool('analysis_tools/leaderboard')
    run, out = put(tmp_path / 'run', 66), tmp_path / 'board.html'
    tool.main([str(run), str(put(tmp_path / 'pets', 1, dataset='pets'))])
    printed = capsys.readouterr()
    assert ['net', '66.0'] in [cells[1:3] for cells in markdown_cells(printed.out)]
    # The published results are part of the package.
    assert 'FMA-WSSS (published)' in printed.out and 'left out: ' in printed.err
    tool.main([str(run), '--format', 'html', '--out', str(out)])
    assert f'leaderboard: {out}' in capsys.readouterr().out and '66.0' in out.read_text()
    with pytest.raises(SystemExit, match="error: no evaluation of the task 'seed'"):
        tool.main([str(run), '--task', 'seed'])
    with pytest.raises(SystemExit, match='error: .*gone is no directory'):
        tool.main([str(tmp_path / 'gone')])
