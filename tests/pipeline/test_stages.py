"""Which stages a pipeline has."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from mmdrs.errors import InputError
from mmdrs.pipeline.stages import pipeline_stages
from mmdrs.pseudo_labels.label_file import read_label
from tests.pipeline_runs import STAGES, generation, made, records

CONFIGS = ['plain_classifier', 'drs_classifier', 'refinement', 'segmentation']


@pytest.mark.parametrize('maps', ['plain_maps', 'drs_maps'])
def test_labels_without_a_refinement(maps: str) -> None:
    """They are made from a classifier's maps, with its config; nothing is refined."""
    stages = {s.name: s for s in pipeline_stages(CONFIGS, 'better', labels_from=maps)}
    assert list(stages) == [n for n in STAGES if n not in ('refinement', 'refined_maps')]
    labels = stages['pseudo_labels']
    assert (labels.source, labels.config) == (maps, stages[maps].config)
    with pytest.raises(InputError, match=r'`labels_from` must be one of .*refined_maps'):
        pipeline_stages(CONFIGS, labels_from='maps')


def test_a_run_without_a_refinement(
    finished: Path, tiny_voc: Path, run_pipeline, tmp_path: Path
) -> None:
    """Only the labels are made anew: those that the scores of the plain maps are of."""
    work_dir = Path(shutil.copytree(finished, tmp_path / 'work'))
    before = made(work_dir)
    options = ('labels_from=plain_maps',)
    run_pipeline(tiny_voc, work_dir, '--to', 'pseudo_labels', options=options)
    after = made(work_dir)
    old = generation(work_dir, 'pseudo_labels').name
    assert {n: after[n.replace('pseudo_labels/', f'{old}/')] for n in before} == before
    scores = records(work_dir)
    of_labels = [scores[s, 'pseudo', 'mIoU', 'train'] for s in ('plain_maps', 'pseudo_labels')]
    assert of_labels[0] == of_labels[1]
    assert all('refine' not in stage for stage, *_ in scores)
    folders = (work_dir / name / 'train' for name in ('pseudo_labels', old))
    new, refined = ([read_label(path) for path in sorted(f.glob('*.png'))] for f in folders)
    assert any((a != b).any() for a, b in zip(new, refined, strict=True)) and np.any(new)
