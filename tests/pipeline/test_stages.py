"""Which stages a pipeline has."""

import pytest

from mmdrs.errors import InputError
from mmdrs.pipeline.stages import pipeline_stages
from tests.pipeline_runs import STAGES

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
