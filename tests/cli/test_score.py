"""`mmdrs score`: what it prints, and a record that the leaderboard takes."""

import shutil
from pathlib import Path

import pytest

from mmdrs.cli import leaderboard, score
from tests.conftest import TINY_CLASSES


def test_labels_of_a_run_and_its_leaderboard(
    finished: Path,
    tiny_voc: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    masks, lists = tiny_voc / 'SegmentationClass', tiny_voc / 'ImageSets' / 'Segmentation'
    common = ['--masks', str(masks), '--list', str(lists / 'val_cls.txt'), '--classes']
    score.main([str(finished / 'pseudo_labels' / 'val'), *common, *TINY_CLASSES, '--name', 'ours'])
    text = capsys.readouterr().out
    assert 'mIoU_written' in text and '255: count as misses' in text
    assert all(f'| {name} ' in text for name in TINY_CLASSES)
    assert 'labels of 6 images; record: work_dirs/ours/results/pseudo_val_' in text
    leaderboard.main(['work_dirs/ours', '--task', 'pseudo'])
    assert '| ours' in capsys.readouterr().out


def test_maps_with_saliency(
    finished: Path, tiny_voc: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    arguments = ['--masks', str(tiny_voc / 'SegmentationClass'), '--work-dir', str(tmp_path)]
    saliency = ['--saliency', str(tiny_voc / 'saliency_map'), '--source', 'truth']
    maps = str(finished / 'drs_maps' / 'val')
    score.main([maps, *arguments, *saliency, '--classes', *TINY_CLASSES, '--thresholds', '0.6'])
    text = capsys.readouterr().out
    assert 'saliency > 50 (truth)' in text
    assert 'map threshold 0.2 ' in text and 'map threshold 0.6 ' in text
    assert text.count('best on these masks') == 1
    records = sorted(path.name for path in (tmp_path / 'results').iterdir())
    assert [name.split('_')[0] for name in records] == ['pseudo', 'seed']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--masks', 'MASKS'], '--classes: name the classes, background first'),
        (['--masks', 'nowhere', '--dataset', 'voc12'], 'there is no folder nowhere'),
        (['--masks', 'EMPTY', '--dataset', 'voc12'], 'holds no mask <id>.png'),
    ],
)
def test_wrong_arguments(
    tiny_voc: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    named = {'MASKS': str(tiny_voc / 'SegmentationClass'), 'EMPTY': str(tmp_path)}
    with pytest.raises(SystemExit) as caught:
        score.main([str(tmp_path), *(named.get(item, item) for item in arguments)])
    assert message in str(caught.value.code)


def test_classes_of_voc_are_known(tiny_voc: Path, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_voc / 'SegmentationClass', tmp_path / 'labels')
    arguments = ['--masks', str(tiny_voc / 'SegmentationClass'), '--dataset', 'voc12']
    score.main([str(tmp_path / 'labels'), *arguments, '--work-dir', str(tmp_path / 'w')])
    (record,) = (tmp_path / 'w' / 'results').iterdir()
    text = record.read_text()
    assert '"dataset": "VOC 2012"' in text and '"tvmonitor": null' in text
