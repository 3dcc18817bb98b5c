"""Saliency maps that are learned on the images themselves, in a run."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.models.utils.cam import resize_array
from mmdrs.pipeline.label_rules import pseudo_label_rules, self_label_rules
from mmdrs.pipeline.runs import fingerprints, stage_runs
from mmdrs.pipeline.stages import pipeline_stages
from mmdrs.pseudo_labels.fusion import BackgroundCue, fuse_maps
from mmdrs.pseudo_labels.image_file import read_image, read_saliency
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.pseudo_labels.par import PAR
from tests.pipeline_runs import STAGES, foreground_settings, made, records, tiny_foreground

CONFIGS = ['plain_classifier', 'drs_classifier', 'refinement', 'segmentation', 'foreground']
MADE = ('foreground', 'foreground_maps')


def stages_of(**options: object) -> dict:
    return {stage.name: stage for stage in pipeline_stages(CONFIGS, 'better', **options)}


def test_stages() -> None:
    """Two after the choice of maps; labels after them are fused with their maps."""
    stages = stages_of(self_training_rounds=1)
    assert [*stages][:12] == [*STAGES[:5], *MADE, *STAGES[5:]]
    assert stages['foreground'].source == 'map_choice'
    fused = {name for name, stage in stages.items() if stage.saliency}
    assert fused == {'refined_maps', 'pseudo_labels', 'self_labels_1'}
    assert stages['refined_maps'].made_of == ('refinement',)
    assert stages['refined_maps'].needs == ('refinement', 'foreground_maps')
    assert stages['pseudo_labels'].made_of == ('refined_maps', 'foreground_maps')
    for source in ('plain_maps', 'drs_maps'):
        assert stages_of(labels_from=source)['foreground'].source == source
    assert pipeline_stages(CONFIGS[:-1], 'drs_maps') == [
        stage for stage in pipeline_stages(CONFIGS[:-1], 'drs_maps') if stage.name not in MADE
    ]


def test_a_foreground_counts_for_what_is_fused_with_it(tiny_voc: Path, tmp_path: Path) -> None:
    first, second = (
        fingerprints(stage_runs(foreground_settings(tiny_voc, *more), tmp_path))
        for more in ([], ['foreground_epochs=5'])
    )
    files = {name for name in first if first[name].files != second[name].files}
    scores = {name for name in first if first[name].scores != second[name].scores}
    labelled = {'pseudo_labels', 'segmentation', 'evaluation'}
    assert files == {*MADE, *labelled}
    assert scores == {*MADE, *labelled, 'refined_maps'}


@pytest.fixture(scope='module')
def learned(finished: Path, tiny_voc: Path, run_pipeline, tmp_path_factory) -> Path:
    """A finished run that goes on without saliency maps, to the pseudo labels."""
    work_dir = Path(shutil.copytree(finished, tmp_path_factory.mktemp('learned') / 'work'))
    run_pipeline(tiny_voc, work_dir, '--to', 'pseudo_labels', options=tiny_foreground())
    return work_dir


def test_labels_are_fused_with_the_learned_maps(learned: Path, tiny_voc: Path) -> None:
    par, values = PAR(iterations=2, downscale=2), set()
    assert len(list((learned / 'foreground_maps' / 'val').glob('*.png'))) == 6
    for path in sorted((learned / 'refined_maps' / 'train').glob('*.npz')):
        saliency = read_saliency(learned / 'foreground_maps' / 'train' / f'{path.stem}.png')
        assert saliency.shape == (40, 48) and saliency.min() < saliency.max()
        stored = read_maps(path)
        channels = np.concatenate([saliency[None] / np.float32(255), stored.floats()])
        image = read_image(tiny_voc / 'JPEGImages' / f'{path.stem}.jpg')
        channels = par.refine(image, resize_array(channels, (40, 48)))
        cue = BackgroundCue('saliency', 128)
        written, _ = fuse_maps(channels[1:], stored.labels, cue, 255 * channels[0], threshold=0)
        label = read_label(learned / 'pseudo_labels' / 'train' / f'{path.stem}.png')
        np.testing.assert_array_equal(label, written)
        values |= set(np.unique(label).tolist())
    assert 0 in values and len(values - {0, 255}) > 1  # classes


def test_records_name_what_made_the_maps(learned: Path) -> None:
    """Labels of maps that the foreground is learned from have no scores; all others have."""
    found = {
        (record.stage, record.split): record.scores[0].protocol.background
        for record in read_evaluations(learned / 'results.json')
        if record.task == 'pseudo'
    }
    words = 'refined saliency > 128 (learned foreground)'
    assert found == {
        (stage, split): words
        for stage in ('refined_maps', 'pseudo_labels')
        for split in ('train', 'val')
    }
    seeds = {key[0] for key in records(learned) if key[1] == 'seed'}
    assert seeds == {'plain_maps', 'drs_maps', 'refined_maps'}
    note = json.loads((learned / 'foreground_maps' / 'train' / 'saliency.json').read_text())
    assert note == dict(source='learned foreground')


def test_second_run_makes_what_is_gone(learned: Path, tiny_voc: Path, run_pipeline, capsys):
    run = (tiny_voc, learned, '--to', 'pseudo_labels')
    before = made(learned)
    run_pipeline(*run, options=tiny_foreground())
    assert made(learned) == before
    assert capsys.readouterr().out.count('finished and unchanged: skipped') == 10
    gone = learned / 'foreground_maps' / 'train' / 'img_2.png'
    content = gone.read_bytes()
    gone.unlink()
    run_pipeline(*run, options=tiny_foreground())
    assert 'what is missing is made again' in capsys.readouterr().out
    assert gone.read_bytes() == content
    after = made(learned)
    assert {name for name in before if after[name] != before[name]} == {
        'foreground_maps/train/img_2.png'
    }


def test_the_source_of_the_rules(tiny_voc: Path) -> None:
    settings = foreground_settings(tiny_voc)
    cue = pseudo_label_rules(settings).background_cue
    assert (cue.source, cue.refined) == ('learned foreground', True)
    own = self_label_rules(settings).background_cue
    assert (own.source, own.refined, own.maps_weight) == ('learned foreground', True, 0.5)
    named = foreground_settings(tiny_voc, 'pseudo_labels.background_cue.source=mine')
    assert pseudo_label_rules(named).background_cue.source == 'mine'


def test_saliency_maps_of_two_sources(tiny_voc: Path) -> None:
    with pytest.raises(InputError, match='saliency_dir and stages.foreground.*leave out one'):
        foreground_settings(tiny_voc, 'saliency_dir=saliency_map').chosen_stages()


def test_a_cue_that_reads_no_saliency_maps(tiny_voc: Path) -> None:
    cue = 'pseudo_labels.background_cue'
    settings = foreground_settings(tiny_voc, f'{cue}.type=constant', f'{cue}.refined=False')
    with pytest.raises(InputError, match='stages.foreground learns saliency maps, which the cue'):
        settings.chosen_stages()


def test_each_split_is_fused_with_its_own_maps(tiny_voc: Path, tmp_path: Path, monkeypatch):
    run, read = stage_runs(foreground_settings(tiny_voc), tmp_path)['pseudo_labels'], {}

    def note(cfg: Config, maps: Path, *rest: object) -> None:
        read[maps.name] = cfg.test_dataloader.dataset.data_prefix.saliency_path

    monkeypatch.setattr('mmdrs.pipeline.runs.labels.label_dataset', note)
    monkeypatch.setattr(type(run), 'checkpoint', lambda self, stage: '')
    run.run(resume=False)
    folder = tmp_path.resolve() / 'foreground_maps'
    assert read == {split: str(folder / split) for split in ('train', 'val')}
