"""The tool on the work directory of a finished pipeline."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from limits.measuring import AGREEMENT, count_agreement
from mmdrs.evaluation.records.record import read_evaluation
from tests.pipeline_runs import ROOT, load_tool
from tests.tools.limits.images import label

MAPS = ('plain_maps', 'drs_maps', 'refined_maps')


@pytest.fixture(scope='module')
def run_tool() -> Callable[..., None]:
    return load_tool('analysis_tools/label_limits').main


def recorded(work_dir: Path, split: str) -> dict[str, dict]:
    """The scores of the labels that the pipeline has recorded, by stage."""
    records = [read_evaluation(path) for path in work_dir.glob('*/results/*.json')]
    return {
        record.stage: next(score for score in record.scores if score.metric == 'mIoU')
        for record in records
        if record.task == 'pseudo' and record.split == split
    }


def test_as_settings_is_what_the_pipeline_recorded(finished, run_tool, tmp_path, capsys) -> None:
    for split in ('train', 'val'):
        out = tmp_path / f'{split}.json'
        run_tool([str(finished), '--split', split, '--out', str(out)])
        content, scores = json.loads(out.read_text()), recorded(finished, split)
        assert content['split'] == split and tuple(content['stages']) == MAPS
        assert content['rules']['threshold'] == 0.2
        for name, found in content['stages'].items():
            assert found['limits']['as settings']['mIoU'] == scores[name].value
            assert found['recorded'] == scores[name].value
            assert found['iou'] == dict(scores[name].per_class)
            swept = found['chosen_on_ground_truth']
            assert swept['map threshold 0.2'] == swept['saliency threshold 50']
            assert swept['map threshold 0.2'] == scores[name].value
    assert 'Beware' not in capsys.readouterr().out


def test_limits_of_a_run(finished, run_tool, tmp_path) -> None:
    """Saliency is the true foreground there; three images have one class, three have two."""
    out = tmp_path / 'limits.json'
    run_tool([str(finished), '--thresholds', '0.3', '--out', str(out)])
    for found in json.loads(out.read_text())['stages'].values():
        limits = found['limits']
        assert {name: row['images'] for name, row in limits.items()} == {
            **dict.fromkeys(limits, 6),
            'images of one class': 3,
            'saliency only, images of one class': 3,
            'images of several classes': 3,
        }
        assert limits['true saliency'] == limits['as settings']
        assert limits['true saliency and classes'] == limits['true classes']
        assert limits['as settings']['errors']['over_wide'] == 0
        assert limits['true classes']['errors']['confused'] == 0
        assert limits['all salient']['errors']['missing'] == 0
        assert limits['saliency only, images of one class']['mIoU'] == 100
        thresholds = [n for n in found['chosen_on_ground_truth'] if n.startswith('map')]
        assert thresholds == ['map threshold 0.3']


def test_tables(finished, run_tool, capsys) -> None:
    run_tool([str(finished), '--maps', 'drs_maps', '--split', 'val'])
    text, score = capsys.readouterr().out, recorded(finished, 'val')['drs_maps']
    assert f'6 val images of {finished}' in text and 'plain_maps' not in text
    rows = {
        cells[0]: cells[1:]
        for line in text.splitlines()
        if len(cells := [cell.strip() for cell in line.split('|')[1:-1]]) > 1
    }
    assert rows['chosen on ground truth'] == rows['IoU'] == ['drs_maps']
    assert rows['map threshold 0.2'] == [f'{score.value:.1f}']
    value = score.per_class['bar']
    assert rows['bar'] == ['-' if value is None else f'{value:.1f}']
    kinds = ('over-wide', 'missing', 'confused')
    assert sum(float(rows[kind][0]) for kind in kinds) == pytest.approx(100, abs=0.2)
    assert rows['drs_maps'] == ['images', 'mIoU', *kinds]


def test_rows_with_a_crf(finished, run_tool, tmp_path) -> None:
    pytest.importorskip('pydensecrf')
    out = tmp_path / 'limits.json'
    run_tool([str(finished), '--maps', 'drs_maps', '--crf', '--out', str(out)])
    rows = json.loads(out.read_text())['stages']['drs_maps']['chosen_on_ground_truth']
    added = {name: score for name, score in rows.items() if name.endswith(', CRF')}
    assert len(added) == 11 and 'as settings, CRF' in added
    # The rectangles have sharp edges of one colour: the CRF moves the labels.
    names = [name for name in added if name.startswith('no saliency')]
    assert [rows[name] for name in names] != [rows[name.removesuffix(', CRF')] for name in names]


def test_processes_give_the_same(finished, run_tool, tmp_path) -> None:
    one, two = tmp_path / 'one.json', tmp_path / 'two.json'
    run_tool([str(finished), '--by-agreement', '--out', str(one)])
    command = [sys.executable, 'tools/analysis_tools/label_limits.py', str(finished)]
    done = subprocess.run(
        [*command, '--by-agreement', '--workers', '2', '--out', str(two)],
        cwd=ROOT,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f'numbers: {two}' in done.stdout and 'plain_maps and drs_maps' in done.stdout
    assert two.read_text() == one.read_text()
    rows = json.loads(one.read_text())['agreement']
    assert tuple(rows) == AGREEMENT
    assert rows['agree']['pixels'] + rows[AGREEMENT[1]]['pixels'] == pytest.approx(100, abs=0.02)


def test_agreement_by_hand() -> None:
    actual = label('1100', '1122', '002x')
    plain, drs = label('1010', '1112', '0021'), label('1110', '1122', '0020')
    # They differ on a pixel of the cat and on one of the dog, which only the second has, and where
    # nothing is scored. On the other 9, background that both call cat is wrong.
    agree, of_plain, of_drs = count_agreement(plain, drs, actual, 3).values()
    assert agree.tolist() == [[3, 1, 0, 0], [0, 3, 0, 0], [0, 0, 2, 0]]
    assert of_plain.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]]
    assert of_drs.tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


def test_other_data_than_recorded(copied, run_tool, capsys) -> None:
    for path in copied.glob('drs_maps/results/*.json'):
        content = json.loads(path.read_text())
        if content['task'] == 'pseudo':
            content['scores'][0]['value'] += 0.5
            path.write_text(json.dumps(content))
    run_tool([str(copied)])
    lines = [line for line in capsys.readouterr().out.splitlines() if 'Beware' in line]
    assert len(lines) == 1 and 'the labels of drs_maps score' in lines[0]


def test_images_without_masks(copied, run_tool) -> None:
    path = copied / 'pipeline.json'
    content = json.loads(path.read_text())
    content['datasets']['val']['data_prefix'].pop('seg_map_path')
    path.write_text(json.dumps(content))
    with pytest.raises(SystemExit, match='no val image has a mask'):
        run_tool([str(copied), '--split', 'val'])


def test_maps_that_are_not_there(copied, run_tool) -> None:
    (copied / 'drs_maps' / 'done.json').unlink()
    with pytest.raises(SystemExit, match='maps of the val images .*drs_maps: not finished'):
        run_tool([str(copied), '--maps', 'plain_maps', 'drs_maps'])
    with pytest.raises(SystemExit, match='--by-agreement compares .*: no drs_maps here'):
        run_tool([str(copied), '--by-agreement'])
    for name in ('plain_maps', 'refined_maps'):
        shutil.rmtree(copied / name)
    with pytest.raises(SystemExit, match='plain_maps: not run yet, drs_maps: not finished'):
        run_tool([str(copied)])


def test_maps_of_other_classes_and_sizes(copied, run_tool) -> None:
    path = copied / 'plain_maps' / 'val' / 'img_1.npz'
    content = dict(np.load(path))
    np.savez(path, **{**content, 'labels': np.array([1, 7])})
    with pytest.raises(SystemExit, match=re.escape('holds maps of the classes (1, 7), but')):
        run_tool([str(copied), '--maps', 'plain_maps'])
    np.savez(path, **{**content, 'original_size': np.array([40, 40])})
    with pytest.raises(SystemExit, match=re.escape('of (40, 40), its mask')):
        run_tool([str(copied), '--maps', 'plain_maps'])


def test_nothing_is_written_into_the_work_directory(finished, run_tool) -> None:
    before = sorted(finished.rglob('*'))
    run_tool([str(finished)])
    assert sorted(finished.rglob('*')) == before
