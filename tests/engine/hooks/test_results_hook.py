"""What evaluations leave behind, at the example of a finished pipeline."""

from pathlib import Path

import pytest

from mmdrs import apis
from mmdrs.evaluation.records.record import Evaluation, read_evaluation
from tests.pipeline_runs import ROOT, load_tool


def records(folder: Path) -> list[Evaluation]:
    return [read_evaluation(path) for path in sorted(folder.glob('results/*.json'))]


def test_every_scored_stage_has_its_records(finished: Path) -> None:
    """One of each split, and what they were made from."""
    names = dict(seed=('plain_maps', 'drs_maps', 'refined_maps'), seg=('evaluation',))
    for task, stages in names.items():
        for stage in stages:
            found = {e.split: e for e in records(finished / stage) if e.task == task}
            assert set(found) == ({'val'} if task == 'seg' else {'train', 'val'})
            for split, record in found.items():
                assert (record.stage, record.seed, record.images) == (stage, 3, 6)
                assert record.provenance['weights']['name'].startswith('epoch_')
                assert record.provenance['list']['name'] == f'{split}_cls.txt'


def test_per_class_and_protocols(finished: Path) -> None:
    maps, _ = (e for e in records(finished / 'drs_maps') if e.task == 'seed')
    scores = {score.metric: score for score in maps.scores}
    for name in ('mIoU_fixed', 'mIoU_swept'):
        values = [v for v in scores[name].per_class.values() if v is not None]
        assert list(scores[name].per_class) == ['background', 'disc', 'bar', 'cross']
        assert scores[name].value == pytest.approx(sum(values) / len(values), abs=0.02)
    assert scores['mIoU_fixed'].protocol.threshold == 'fixed 0.2'
    assert scores['mIoU_swept'].protocol.threshold == 'swept on ground truth'
    assert scores['coverage'].per_class == {}
    assert all(score.protocol.scales == 'scales 24, 32' for score in maps.scores)


def test_pseudo_labels_have_both_scores(finished: Path) -> None:
    found = records(finished / 'pseudo_labels')
    assert [labels.split for labels in found] == ['train', 'val']
    for labels in found:
        assert labels.task == 'pseudo'
        assert {score.metric for score in labels.scores} == {
            *('mIoU', 'mIoU_written', 'mIoU_kept', 'kept')
        }
        for score in labels.scores:
            assert score.protocol.background == 'saliency > 50 (source not given)'
            assert score.protocol.training == ''


def test_a_network_is_recorded_with_its_labels(finished: Path, tmp_path: Path) -> None:
    """Also by tools/test.py, with the config that the training has stored."""
    words = 'pseudo labels: saliency > 50 (source not given)'
    (found,) = records(finished / 'evaluation')
    assert [score.protocol.training for score in found.scores] == [words]
    stored = str(finished / 'segmentation' / 'segmentation_custom.py')
    arguments = [stored, str(finished / 'segmentation' / 'epoch_1.pth')]
    load_tool('test').main([*arguments, '--work-dir', str(tmp_path)])
    (found,) = records(tmp_path)
    assert [score.protocol.training for score in found.scores] == [words]


def test_other_protocols_get_other_files(finished: Path, tmp_path: Path, monkeypatch) -> None:
    """The same test again replaces its record; one with another scale does not."""
    monkeypatch.setenv('MMDRS_SETTINGS', str(finished / 'settings.py'))
    checkpoint = str(finished / 'drs_classifier' / 'epoch_2.pth')

    def test(options: dict) -> int:
        path = str(ROOT / 'configs' / 'custom' / 'drs-classifier_custom.py')
        cfg = apis.load_config(path, options, str(tmp_path))
        cfg.runner_type = 'QuietRunner'
        apis.test_model(cfg, checkpoint)
        return len(records(tmp_path))

    assert [test({}), test({}), test({'test_cfg.scales': None})] == [1, 1, 2]
    assert {e.scores[0].protocol.scales for e in records(tmp_path)} == {'', 'scales 24, 32'}
