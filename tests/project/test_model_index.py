"""model-index.yml and the metafiles: OpenMMLab's keys, and no number that was not measured.

That files and models exist is in tests/test_packaging.py.
"""

import re
from statistics import mean, stdev
from typing import Any

import pytest
import yaml

from mmdrs.evaluation.records.record import read_evaluation
from tests.pipeline_runs import ROOT

INDEX = yaml.safe_load((ROOT / 'model-index.yml').read_text(encoding='utf-8'))
FILES = [yaml.safe_load((ROOT / name).read_text(encoding='utf-8')) for name in INDEX['Import']]
MODELS = [model for content in FILES for model in content['Models']]
RESULTS = [
    pytest.param(model, result, id=f'{model["Name"]}: {result["Dataset"]}')
    for model in MODELS
    for result in model.get('Results', [])
]
PLAIN, SPREAD = 'mIoU', 'mIoU (standard deviation)'
#: Folders of results/voc12-animals by what the networks were trained on.
RECORDS = {
    'labels of plain maps': 'plain',
    'labels of DRS maps': 'drs',
    'labels of refined maps': 'refined',
    'labels of plain maps without saliency maps': 'no-saliency',
    'labels of plain maps and a round of self-training': 'self',
    'true masks': 'supervised',
}


def test_keys_are_those_of_openmmlab() -> None:
    assert INDEX.keys() == {'Import'}
    collections = [item for content in FILES for item in content.get('Collections', [])]
    needed = {'Name', 'License', 'Metadata', 'Paper', 'README', 'Frameworks'}
    assert [item['Name'] for item in collections] == ['DRS'] and needed == collections[0].keys()
    assert (ROOT / collections[0]['README']).is_file()
    names = [model['Name'] for model in MODELS]
    assert len(names) == len(set(names))
    for model in MODELS:
        assert {'Name', 'In Collection', 'Config'} <= model.keys()
        assert model.keys() <= {'Name', 'In Collection', 'Config', 'Metadata', 'Results'}
        assert model['In Collection'] == 'DRS'


@pytest.mark.parametrize(('model', 'result'), RESULTS)
def test_result_is_in_the_document_of_results(model: dict, result: dict) -> None:
    assert result.keys() == {'Task', 'Dataset', 'Metrics'}
    assert result['Task'] == 'Semantic Segmentation'
    values = result['Metrics']
    assert all(isinstance(value, float) for value in values.values())
    text = f'{values[PLAIN]:.1f}' + (f' ± {values[SPREAD]:.1f}' if SPREAD in values else '')
    data_set = result['Dataset'].partition(', val')[0]
    section = section_of(data_set[0].upper() + data_set[1:])
    row = rf'\|(?:[^|\n]*\|)*[^|\n]*(?<![\d.]){re.escape(text)}(?![\d.])'
    assert re.search(row, section), text
    assert (SPREAD in values) == ('3 seeds' in result['Dataset'])


def section_of(title: str) -> str:
    text = (ROOT / 'docs' / 'results.md').read_text(encoding='utf-8')
    (found,) = re.findall(rf'^## {re.escape(title)}\n(.*?)(?=^## |\Z)', text, re.M | re.S)
    return found


@pytest.mark.parametrize(
    ('model', 'result'), [item for item in RESULTS if 'animals' in item.values[0]['Name']]
)
def test_result_follows_from_the_records(model: dict[str, Any], result: dict[str, Any]) -> None:
    what, number = re.search(r'\((.*), (\d) seeds?\)', result['Dataset']).groups()
    folders = sorted((ROOT / 'results' / 'voc12-animals').glob(f's?_{RECORDS[what]}'))
    scores = [
        score.value
        for folder in folders
        for path in (folder / 'results').glob('*.json')
        for record in [read_evaluation(path)]
        for score in record.scores
        if score.metric == 'mIoU'
    ]
    assert len(scores) == int(number)
    assert result['Metrics'][PLAIN] == pytest.approx(mean(scores), abs=0.051)
    if len(scores) > 1:
        assert result['Metrics'][SPREAD] == pytest.approx(stdev(scores), abs=0.051)


def test_what_was_not_measured_has_no_result() -> None:
    named = {model['Name'] for model in MODELS if model.get('Results')}
    assert named == {
        'settings_shapes',
        'settings_voc12-animals',
        'settings_voc12-animals_self-training',
        'supervised_voc12-animals',
    }
