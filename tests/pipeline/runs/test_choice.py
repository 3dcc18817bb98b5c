"""The choice between the maps with and without DRS, made without masks."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.apis.checkpoint import last_accuracy
from mmdrs.errors import InputError
from mmdrs.models.utils.cam import resize_array
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import fingerprints, stage_runs
from mmdrs.pipeline.runs.choice import Coverage, Quality, judge, read_choice
from mmdrs.pipeline.stages import pipeline_stages
from mmdrs.pseudo_labels.map_file import read_maps, write_maps
from mmdrs.stage_state import StageState


@pytest.mark.parametrize(
    ('plain', 'drs', 'words'),
    [
        (Quality(95, 92), Quality(97, 93), []),
        (Quality(95, 92), Quality(92, 91), []),  # within the margins, to their ends
        (Quality(95, 93), Quality(95, 85.4), ['cover 85.4 % instead of 93.0 %']),
        (Quality(95.5, 93), Quality(80, 94), ['right in 80.0 % of the cases instead of 95.5 %']),
        (Quality(95, 93), Quality(60, 10), ['cover 10.0 %', 'right in 60.0 %']),
        (Quality(None, 93), Quality(60, 93), []),
    ],
)
def test_judge(plain: Quality, drs: Quality, words: list[str]) -> None:
    behind = judge(plain, drs)
    assert len(behind) == len(words)
    assert all(word in text for word, text in zip(words, behind, strict=True))


def test_coverage_by_hand() -> None:
    """A pixel is reached where any class is at 0.2 or more; salient is above 50."""
    maps = np.array([[[0.1, 0.2], [0.0, 0.9]], [[0.3, 0.0], [0.0, 0.1]]], np.float32)
    saliency = np.array([[51, 50], [255, 200]], np.uint8)
    # Reached: all but the lower left. Salient: all but the upper right.
    assert Coverage.of(maps, saliency) == (2, 3)
    assert Coverage.of(maps, None) == (3, 4)
    assert Coverage.of(maps[:0], saliency) == (0, 3)


def runs_of(work_dir: Path, **options):
    settings = load_settings(work_dir / 'settings.py', options)
    return stage_runs(settings, work_dir)


def test_choice_file_restated(finished: Path, tiny_voc: Path) -> None:
    choice = read_choice(finished / 'map_choice')
    qualities = {}
    for name, network in (('plain_maps', 'plain_classifier'), ('drs_maps', 'drs_classifier')):
        covered = pixels = 0
        for path in sorted((finished / name / 'train').glob('*.npz')):
            with Image.open(tiny_voc / 'saliency_map' / f'{path.stem}.png') as picture:
                salient = np.asarray(picture) > 50
            reached = resize_array(read_maps(path).floats(), salient.shape).max(axis=0) >= 0.2
            covered, pixels = covered + (reached & salient).sum(), pixels + salient.sum()
        accuracy = last_accuracy(finished / network / 'epoch_2.pth')
        qualities[name] = Quality(accuracy, 100 * covered / pixels)
        assert choice['qualities'][name] == dict(
            accuracy=pytest.approx(accuracy), coverage=pytest.approx(qualities[name].coverage)
        )
    behind = judge(qualities['plain_maps'], qualities['drs_maps'])
    assert choice['behind'] == behind
    assert choice['chosen'] == ('plain_maps' if behind else 'drs_maps')


def trained_on(work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder of the maps that the refinement would learn."""
    seen = []
    monkeypatch.setattr(
        'mmdrs.pipeline.runs.training.train_model',
        lambda cfg, resume: seen.append(cfg.train_dataloader.dataset.data_prefix.map_path),
    )
    runs_of(work_dir)['refinement'].run(resume=False)
    return Path(seen[0]).parent.name


@pytest.mark.parametrize(('kept', 'chosen'), [(0.0, 'plain_maps'), (1.0, 'drs_maps')])
def test_the_better_maps_are_learned(
    kept: float, chosen: str, copied: Path, monkeypatch, capsys
) -> None:
    """DRS maps that are empty fall behind; those that cover everything do not."""
    for path in (copied / 'drs_maps' / 'train').glob('*.npz'):
        maps = read_maps(path)
        levels = np.full_like(maps.values, int(255 * kept))
        write_maps(path, replace(maps, values=levels))
    shutil.rmtree(copied / 'map_choice')
    # The two-epoch classifiers of the test differ in accuracy by chance.
    monkeypatch.setattr('mmdrs.pipeline.runs.choice.last_accuracy', lambda path: None)
    runs_of(copied)['map_choice'].run(resume=False)
    choice = read_choice(copied / 'map_choice')
    assert choice['chosen'] == chosen
    assert ('WARNING: DRS falls behind' in capsys.readouterr().out) == (chosen == 'plain_maps')
    assert trained_on(copied, monkeypatch) == chosen


def test_what_follows_depends_on_the_chosen_maps_only(copied: Path) -> None:
    """The same maps, chosen or named, give the same refinement; other maps another one."""
    chosen = read_choice(copied / 'map_choice')['chosen']
    other = {'plain_maps': 'drs_maps', 'drs_maps': 'plain_maps'}[chosen]
    prints = {
        value: fingerprints(runs_of(copied, refine_from=value))['refinement'].files
        for value in ('better', chosen, other)
    }
    assert prints['better'] == prints[chosen] != prints[other]
    assert prints['better'] == StageState(copied / 'refinement').fingerprint
    # A choice between other maps does not count.
    path = copied / 'map_choice' / 'choice.json'
    content = json.loads(path.read_text())
    content['made_of'][other] = 'of other maps'
    path.write_text(json.dumps(content))
    assert fingerprints(runs_of(copied))['refinement'].files != prints['better']


def test_refine_from() -> None:
    configs = ['plain_classifier', 'drs_classifier', 'refinement', 'segmentation']
    by_value = {
        value: {stage.name: stage for stage in pipeline_stages(configs, refine_from=value)}
        for value in ('better', 'drs_maps', 'plain_maps')
    }
    assert by_value['better']['refinement'].needs == ('map_choice',)
    assert by_value['better']['map_choice'].needs == ('plain_maps', 'drs_maps')
    for value in ('drs_maps', 'plain_maps'):
        assert by_value[value]['refinement'].needs == (value,)
        assert 'map_choice' not in by_value[value]
    with pytest.raises(InputError, match=r"refine_from.*'better'.*got 'plain'"):
        pipeline_stages(configs, refine_from='plain')


@pytest.mark.parametrize('text', ['{', '{"chosen": "drs_maps"}', '{"chosen": "x", "made_of": {}}'])
def test_damaged_choice(text: str, tmp_path: Path) -> None:
    (tmp_path / 'choice.json').write_text(text)
    with pytest.raises(InputError, match='choice.json.*--again map_choice'):
        read_choice(tmp_path)
