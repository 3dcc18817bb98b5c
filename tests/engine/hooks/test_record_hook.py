"""What evaluations leave behind, at the example of a finished pipeline."""

import json
from pathlib import Path

import pytest

from mmdrs import apis
from mmdrs.evaluation.records.record import Evaluation, read_evaluation
from tests.pipeline_runs import ROOT


def records(folder: Path) -> list[Evaluation]:
    return [read_evaluation(path) for path in sorted(folder.glob('results/*.json'))]


def test_every_scored_stage_has_its_record(finished: Path) -> None:
    """With the figures of results.json, and what they were made from."""
    listed = json.loads((finished / 'results.json').read_text())
    names = dict(seed=('plain_maps', 'drs_maps', 'refined_maps'), seg=('evaluation',))
    for task, stages in names.items():
        for stage in stages:
            (found,) = (e for e in records(finished / stage) if e.task == task)
            assert (found.stage, found.split, found.seed, found.images) == (stage, 'train', 0, 6)
            shown = 'segmentation' if stage == 'evaluation' else stage
            expected = {r['metric']: r['value'] for r in listed if r['stage'] == shown}
            values = {score.metric: score.value for score in found.scores}
            assert values == pytest.approx({name: expected[name] for name in values}, abs=0.01)
            assert found.provenance['weights']['name'].startswith('epoch_')
            assert found.provenance['list']['name'] == 'train_cls.txt'


def test_per_class_and_protocols(finished: Path) -> None:
    (maps,) = (e for e in records(finished / 'drs_maps') if e.task == 'seed')
    scores = {score.metric: score for score in maps.scores}
    for name in ('mIoU_fixed', 'mIoU_swept'):
        values = [v for v in scores[name].per_class.values() if v is not None]
        assert list(scores[name].per_class) == ['background', 'disc', 'bar', 'cross']
        assert scores[name].value == pytest.approx(sum(values) / len(values), abs=0.02)
    assert scores['mIoU_fixed'].protocol.threshold == 'fixed 0.2'
    assert scores['mIoU_swept'].protocol.threshold == 'swept on ground truth'
    assert scores['coverage'].per_class == {}
    assert all(score.protocol.scales == 'scales 24, 32' for score in maps.scores)


def test_pseudo_labels_have_both_figures(finished: Path) -> None:
    listed = json.loads((finished / 'results.json').read_text())
    (labels,) = records(finished / 'pseudo_labels')
    assert labels.task == 'pseudo'
    for score in labels.scores:
        (expected,) = (
            r['value']
            for r in listed
            if (r['stage'], r['metric'], r['split']) == ('pseudo_labels', score.metric, 'train')
        )
        assert score.value == pytest.approx(expected, abs=0.01)
        assert score.protocol.background == 'saliency > 50'


def test_other_protocols_get_other_files(finished: Path, tmp_path: Path, monkeypatch) -> None:
    """The same test again replaces its record; one of another scale does not."""
    monkeypatch.setenv('MMDRS_SETTINGS', str(finished / 'settings.py'))
    checkpoint = str(finished / 'drs_classifier' / 'epoch_2.pth')

    def test(multi_scale: bool) -> int:
        cfg = apis.load_config(
            str(ROOT / 'configs' / 'custom' / 'drs-classifier_custom.py'), {}, str(tmp_path)
        )
        cfg.runner_type = 'QuietRunner'
        if not multi_scale:
            cfg.test_cfg.scales = None
        apis.test_model(cfg, checkpoint)
        return len(records(tmp_path))

    assert [test(False), test(False), test(True)] == [1, 1, 2]
    assert {e.scores[0].protocol.scales for e in records(tmp_path)} == {'', 'scales 24, 32'}
