"""The rules of pseudo labels with a dense CRF: fingerprints, and the labels themselves."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.apis import make_pseudo_labels
from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.label_rules import pseudo_label_rules, self_label_rules
from mmdrs.pipeline.runs import fingerprints, stage_runs
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.par import PAR
from mmdrs.pseudo_labels.rle import encode
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.stage_state import Fingerprint
from tests.pipeline_runs import SETTINGS, made

CONSTANT = dict(type='constant', value=0.3)


@pytest.mark.parametrize(
    ('stage', 'part'), [('refined_maps', 'scores'), ('pseudo_labels', 'files')]
)
def test_another_crf_makes_other_fingerprints(stage: str, part: str) -> None:
    """As another threshold does; and it is the same whether constants are named or not."""
    pytest.importorskip('pydensecrf')

    def prints(options: dict) -> Fingerprint:
        runs = stage_runs(load_settings(SETTINGS, options), Path('unused'))
        return fingerprints(runs)[stage]

    found = [
        prints(options)
        for options in (
            {},
            {'pseudo_labels.threshold': 0.3},
            {'pseudo_labels.crf': dict()},
            {'pseudo_labels.crf.iterations': 5},
        )
    ]
    assert len({getattr(item, part) for item in found}) == len(found)
    assert prints({'pseudo_labels.crf.iterations': 10}) == found[2]
    if part == 'scores':  # no other maps
        assert len({item.files for item in found}) == 1


def test_another_source_makes_other_scores_only() -> None:
    """The text goes into the records, and decides neither labels nor weights."""
    option = 'pseudo_labels.background_cue.source'
    plain, named = (
        fingerprints(stage_runs(load_settings(SETTINGS, {option: text}), Path('unused')))
        for text in ('', 'CSNet')
    )
    assert {name: made.files for name, made in plain.items()} == {
        name: made.files for name, made in named.items()
    }
    recorded = {name for name in plain if plain[name].scores != named[name].scores}
    maps = {'plain_maps', 'drs_maps', 'refined_maps'}
    assert recorded == {*maps, 'pseudo_labels', 'evaluation'}


def test_masks_are_merged_in_a_run(
    copied: Path, tiny_voc: Path, tmp_path: Path, run_pipeline: Callable[..., None]
) -> None:
    """Nothing is trained again, no map is made again; labels and all their scores are others."""
    for number in range(6):
        mask = np.asarray(Image.open(tiny_voc / 'SegmentationClass' / f'img_{number}.png'))
        found = [dict(segmentation=encode(mask == value)) for value in (0, 1, 2, 3)]
        (tmp_path / f'img_{number}.json').write_text(json.dumps(found))
    before = made(copied)
    merge = 'pseudo_labels.merge.type=SegmentMerging', f'segments_dir={tmp_path}'
    run_pipeline(tiny_voc, copied, '--to', 'pseudo_labels', options=merge)
    after = made(copied)
    labels = {f'pseudo_labels/{split}/img_{n}.png' for split in ('train', 'val') for n in range(6)}
    labels |= {f'pseudo_labels/val/.evaluated/img_{n}.png' for n in range(6)}
    changed = {name for name in before if after[name] != before[name]}
    assert labels <= changed and all(name.startswith('pseudo_labels/') for name in changed)
    for record in read_evaluations(copied / 'results.json'):
        if record.task == 'pseudo':
            assert all('merged with masks (source' in str(s.protocol) for s in record.scores)
    # Masks as the ground truth: where a class takes one, the label is right there.
    for number in range(6):
        label = read_label(copied / 'pseudo_labels' / 'val' / f'img_{number}.png')
        truth = np.asarray(Image.open(tiny_voc / 'SegmentationClass' / f'img_{number}.png'))
        for value in (1, 2, 3):
            part = label[truth == value]
            assert len(set(part[part != 255].tolist())) <= 1


@pytest.fixture
def images(tmp_path: Path) -> list[dict]:
    """One image with an object whose map has a hole, and its stored maps."""
    picture = np.zeros((12, 16, 3), np.uint8)
    picture[:, 8:] = (0, 200, 50)
    Image.fromarray(picture).save(tmp_path / 'a.png')
    maps = np.zeros((1, 12, 16), np.float32)
    maps[0, :, 8:] = 0.8
    maps[0, 5, 12] = 0.25  # less than the background's 0.3
    write_maps(tmp_path / 'maps' / 'a.npz', LocalizationMaps.from_floats((1,), maps, (12, 16)))
    return [dict(img_id='a', img_path=str(tmp_path / 'a.png'))]


def make(images: list[dict], folder: Path, rules: LabelRules, workers: int = 0) -> np.ndarray:
    """Make the one label, and read it."""
    palette = [[0, 0, 0], [1, 1, 1], [2, 2, 2]]
    out = folder / f'labels{workers}'
    list(make_pseudo_labels(images, folder / 'maps', out, rules, palette, 3, workers))
    return read_label(out / 'a.png')


@pytest.mark.parametrize('workers', [0, 1])
def test_labels(images: list[dict], tmp_path: Path, workers: int) -> None:
    pytest.importorskip('pydensecrf')
    rules = LabelRules(BackgroundCue(**CONSTANT), crf=DenseCRF())
    expected = np.zeros((12, 16), int)
    expected[:, 8:] = 2
    np.testing.assert_array_equal(make(images, tmp_path, rules, workers), expected)


def test_without_a_crf_no_image_is_read(images: list[dict], tmp_path: Path) -> None:
    Path(images[0]['img_path']).unlink()
    label = make(images, tmp_path, LabelRules(BackgroundCue(**CONSTANT)))
    assert label[5, 12] == 0 and (label[:, 8:] == 2).sum() == 12 * 8 - 1


def test_image_of_another_size_is_named(images: list[dict], tmp_path: Path) -> None:
    pytest.importorskip('pydensecrf')
    Image.new('RGB', (16, 13)).save(images[0]['img_path'])
    with pytest.raises(ValueError, match=r'a\.png is 16 x 13.*for it is 16 x 12'):
        make(images, tmp_path, LabelRules(BackgroundCue(**CONSTANT), crf=DenseCRF()))


def test_missing_library_is_found_before_the_work(tmp_path: Path, monkeypatch) -> None:
    """At the check of the settings' rules, which comes before the first stage."""
    monkeypatch.setitem(sys.modules, 'pydensecrf', None)
    settings = load_settings(SETTINGS, {'pseudo_labels.crf': dict()})
    with pytest.raises(ValueError, match=r"pip install 'mmdrs\[crf\]'"):
        stage_runs(settings, tmp_path)['drs_classifier'].check()


def test_rules_of_self_training_follow_those_of_the_pseudo_labels() -> None:
    """Saliency and probabilities where there are saliency maps, else the probabilities alone."""
    refine = {'pseudo_labels.refine': dict(type='PAR'), 'pseudo_labels.threshold': 0.1}
    source = {'pseudo_labels.background_cue.source': 'CSNet'}
    settings = load_settings(SETTINGS, {**refine, **source})
    expected = BackgroundCue('saliency', threshold=102, maps_weight=0.5, source='CSNet')
    assert self_label_rules(settings) == LabelRules(expected, threshold=0.0, refine=PAR())
    assert pseudo_label_rules(settings).threshold == 0.1
    settings = load_settings(SETTINGS, {'pseudo_labels.background_cue': CONSTANT})
    cue = self_label_rules(settings).background_cue
    assert (cue.type, cue.value) == ('constant', 0.5)
    own = {'self_training.pseudo_labels': dict(background_cue=CONSTANT, threshold=0.2)}
    assert self_label_rules(load_settings(SETTINGS, own)) == LabelRules(BackgroundCue(**CONSTANT))
