"""Rounds of training on the network's own labels."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.pipeline.stages import pipeline_stages, self_training_stages, stage_of
from mmdrs.reporting.report import write_report
from tests.pipeline_runs import made

CONFIGS = ['plain_classifier', 'drs_classifier', 'refinement', 'segmentation']
ROUND = ('self_training.rounds=1', 'self_training.scales=(1.0,)', 'self_training.flip=False')


def test_stages_of_rounds() -> None:
    names = [stage.name for stage in pipeline_stages(CONFIGS, self_training_rounds=2)]
    assert names[-8:] == [
        *('self_maps_1', 'self_labels_1', 'self_training_1', 'self_evaluation_1'),
        *('self_maps_2', 'self_labels_2', 'self_training_2', 'self_evaluation_2'),
    ]
    assert stage_of('self_maps_1').weights == 'segmentation'
    assert stage_of('self_maps_2').weights == 'self_training_1'
    for number in (1, 2):
        maps, labels, network, scored = self_training_stages(number)
        assert labels.source == maps.name and network.source == labels.name
        assert scored.weights == network.name
    with pytest.raises(InputError, match=r'self_training.rounds. must be 0, 1, ..., got -1'):
        pipeline_stages(CONFIGS, self_training_rounds=-1)


def test_a_round_of_self_training(finished: Path, tiny_voc: Path, run_pipeline, tmp_path) -> None:
    """It goes on from a finished run, labels with the classes of each image, and is scored."""
    work_dir = Path(shutil.copytree(finished, tmp_path / 'work'))
    before = made(work_dir)
    run_pipeline(tiny_voc, work_dir, options=ROUND)
    after = made(work_dir)
    assert {name: after[name] for name in before} == before  # nothing is made again
    listed = (tiny_voc / 'ImageSets' / 'Segmentation' / 'train_cls.txt').read_text().splitlines()
    for name, *classes in map(str.split, listed):
        with Image.open(work_dir / 'self_labels_1' / 'train' / f'{name}.png') as picture:
            values = set(np.unique(np.asarray(picture)).tolist())
        assert values <= {0, 255, *(int(index) + 1 for index in classes)}
    found = {
        (record.stage, record.task, record.split): record
        for record in read_evaluations(work_dir / 'results.json')
    }
    assert found['self_labels_1', 'pseudo', 'train'].images == len(listed)
    made_by = found['self_labels_1', 'pseudo', 'train'].scores[0].protocol
    assert made_by.scales == 'scales 1.0; mean'
    assert ('self_evaluation_1', 'seg', 'val') in found
    trained = found['self_evaluation_1', 'seg', 'val'].scores[0].protocol.training
    assert trained.startswith('pseudo labels: 0.5 saliency + 0.5 maps > 102')
    # What it made is in the report: of the training images on the page of their list.
    for name, words in (
        ('train', ('maps, round 1', 'labels, round 1')),
        ('val', ('prediction, round 1',)),
    ):
        page = write_report(work_dir, tmp_path / 'report.html', images=2, split=name).read_text()
        shown = set(re.findall('<figcaption>(.*?)</figcaption>', page))
        assert {word for word in shown if re.fullmatch(r'\w+, round 1', word)} == set(words)
        assert 'self_maps_1</code>' not in page  # nothing is said to be missing


def test_misspelt_option(tiny_voc: Path, run_pipeline, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"self_training.*'confident'"):
        run_pipeline(tiny_voc, tmp_path, options=(*ROUND, 'self_training.confident=0.5'))
