"""What is scored again while its files stay: other rules, sources, masks, metrics."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from mmdrs.evaluation.records.record import read_evaluations
from tests.pipeline_runs import STAGES, generation, made, records


def test_other_rules_make_no_maps_and_train_nothing_again(
    copied, tiny_voc, run_pipeline, capsys
) -> None:
    """Maps are scored with the rules, but do not depend on them."""
    before, results = made(copied), records(copied)
    changed = ('pseudo_labels.threshold=0.3',)
    run_pipeline(tiny_voc, copied, '--to', 'pseudo_labels', options=changed)
    after = made(copied)
    for name, time in before.items():
        if not name.startswith('pseudo_labels/'):
            assert after[name] == time
    printed = capsys.readouterr().out
    assert printed.count('finished and unchanged: skipped') == 4
    assert printed.count('scored again, its files stay') == 3
    assert generation(copied, 'pseudo_labels').is_dir()
    assert records(copied) != results
    run_pipeline(tiny_voc, copied)
    assert records(copied) == results


def test_other_rules_from_the_labels_on(copied, tiny_voc, run_pipeline) -> None:
    """The stages before need not be scored again for it."""
    before = made(copied)
    options = ('pseudo_labels.background_cue.threshold=60',)
    run_pipeline(
        tiny_voc, copied, '--from', 'pseudo_labels', '--to', 'pseudo_labels', options=options
    )
    after = made(copied)
    for name, time in before.items():
        if not name.startswith('pseudo_labels/'):
            assert after[name] == time
    rules = json.loads((copied / 'pipeline.json').read_text())['settings']['pseudo_labels']
    assert rules['background_cue']['threshold'] == 60


def test_source_of_the_saliency_maps_is_recorded_anew(
    copied, tiny_voc, run_pipeline, capsys
) -> None:
    """Nothing is made or trained again for the text, and every score says it."""

    def protocols() -> dict[str, set[str]]:
        found = {}
        for record in read_evaluations(copied / 'results.json'):
            for protocol in (score.protocol for score in record.scores):
                if record.task != 'seed':
                    words = protocol.training if record.task == 'seg' else protocol.background
                    found.setdefault(record.stage, set()).add(words)
        return found

    def expected(words: str) -> dict[str, set[str]]:
        cue = f'saliency > 50 ({words})'
        stages = ('plain_maps', 'drs_maps', 'refined_maps', 'pseudo_labels')
        return {stage: {cue} for stage in stages} | {'evaluation': {f'pseudo labels: {cue}'}}

    before, results = made(copied), records(copied)
    assert protocols() == expected('source not given')
    option = 'pseudo_labels.background_cue.source'
    run_pipeline(tiny_voc, copied, options=(f'{option}=CSNet',))
    printed = capsys.readouterr().out
    assert printed.count('scored again, its files stay') == 5
    assert printed.count('finished and unchanged: skipped') == 5
    assert protocols() == expected('CSNet') and records(copied) == results
    after = made(copied)
    for name, time in before.items():  # predictions are written by the test
        assert after[name] == time or name.startswith('evaluation/')
    # From the evaluation on, with the labels' folder as the run before has left it.
    run_pipeline(tiny_voc, copied, '--from', 'evaluation', options=(f'{option}=VST',))
    (found,) = read_evaluations(copied / 'results.json')[-1:]
    assert found.scores[0].protocol.training == 'pseudo labels: saliency > 50 (VST)'


def test_other_masks_are_scored_again(copied, tiny_voc, run_pipeline, tmp_path) -> None:
    before = made(copied)
    masks = Path(shutil.copytree(tiny_voc / 'SegmentationClass', tmp_path / 'masks'))
    Image.new('L', (48, 40), 1).save(masks / 'img_0.png')
    run_pipeline(tiny_voc, copied, '--to', 'drs_maps', options=(f'mask_dir={masks}',))
    after = made(copied)
    assert {n: after[n] for n in before if '/train/' in n and 'maps' in n} == {
        n: t for n, t in before.items() if '/train/' in n and 'maps' in n
    }


def test_crf_evaluation(copied, tiny_voc, run_pipeline, capsys) -> None:
    """Another metric is another evaluation, and not another training."""
    pytest.importorskip('pydensecrf')
    options = ('segmentation.test_evaluator.type=CRFIoUMetric',)
    run_pipeline(tiny_voc, copied, options=options)
    found = records(copied)
    assert 0 <= found['evaluation', 'seg', 'mIoU', 'val'] <= 100
    printed = capsys.readouterr().out
    assert printed.count('finished and unchanged: skipped') == len(STAGES) - 1
    assert 'with CRF' in printed
