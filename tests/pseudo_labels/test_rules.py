"""The rules of pseudo labels as a config, and one image by them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue, fuse_maps
from mmdrs.pseudo_labels.par import PAR
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments import SegmentMerging, Segments, merge_segments

CONSTANT = dict(type='constant', value=0.3)


def test_config_has_every_value() -> None:
    """No CRF is the same whether it is named or not."""
    rules = LabelRules.from_config(dict(background_cue=CONSTANT, crf=None))
    assert rules == LabelRules.from_config(dict(background_cue=CONSTANT))
    assert rules.to_config() == dict(
        background_cue=dict(
            type='constant',
            threshold=50,
            sure=None,
            value=0.3,
            exponent=2.0,
            source='',
            maps_weight=0.0,
        ),
        threshold=0.2,
        confident=0.9,
        max_confident=2,
        crf=None,
        refine=None,
    )


def test_the_source_decides_no_label() -> None:
    """The other values do: labels made before there was a source have just these."""
    named = LabelRules(BackgroundCue(source='CSNet'))
    assert named != LabelRules() and named.to_config()['background_cue']['source'] == 'CSNet'
    assert (
        named.deciding()
        == LabelRules().deciding()
        == dict(
            background_cue=dict(type='saliency', threshold=50, value=0.3, exponent=2.0),
            threshold=0.2,
            confident=0.9,
            max_confident=2,
            crf=None,
        )
    )
    for changed in (
        BackgroundCue(threshold=60),
        BackgroundCue(sure=60),
        BackgroundCue(maps_weight=0.5),
    ):
        assert LabelRules(changed).deciding() != named.deciding()


def test_crf_of_a_config() -> None:
    pytest.importorskip('pydensecrf')
    rules = LabelRules.from_config(dict(background_cue=CONSTANT, crf=dict(bilateral_sxy=50)))
    assert rules.crf == DenseCRF(bilateral_sxy=50)
    assert LabelRules.from_config(rules.to_config()) == rules


def test_fuse_hands_on_every_rule() -> None:
    """The size is the image's, and each rule changes the label as its argument does."""
    maps = np.random.default_rng(0).random((2, 6, 8), np.float32)
    cue = BackgroundCue('power', exponent=3)
    settings = [(0.2, 0.9, 2), (0.7, 0.9, 2), (0.2, 0.5, 1), (0.2, 0.1, 2)]
    made = []
    for setting in settings:
        found = LabelRules(cue, *setting).fuse(maps, (1, 4), (12, 16), None, Path('not read'))
        expected = fuse_maps(resize_array(maps, (12, 16)), (1, 4), cue, None, *setting)
        np.testing.assert_array_equal(found, expected)
        made.append(found[0].tobytes())
    assert len(set(made)) == len(settings)


def test_maps_are_refined_at_the_size_of_the_image(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    maps, image = random.random((2, 6, 8), np.float32), random.integers(0, 256, (12, 16, 3), 'u1')
    Image.fromarray(image).save(tmp_path / 'a.png')
    cue = BackgroundCue('constant', value=0.6)
    config = dict(type='PAR', dilations=[1, 2], iterations=3)
    rules = LabelRules.from_config(dict(background_cue=vars(cue), refine=config))
    assert rules.needs_image and rules.deciding()['refine']['iterations'] == 3
    found = rules.fuse(maps, (1, 4), (12, 16), None, tmp_path / 'a.png')
    refined = PAR((1, 2), 3).refine(image, resize_array(maps, (12, 16)))
    np.testing.assert_array_equal(found, fuse_maps(refined, (1, 4), cue))
    plain = LabelRules(cue).fuse(maps, (1, 4), (12, 16), None, tmp_path / 'a.png')
    assert (found[0] != plain[0]).any()
    assert LabelRules.from_config(json.loads(json.dumps(rules.to_config()))) == rules


def test_the_saliency_map_is_refined_with_the_maps(tmp_path: Path) -> None:
    """By hand: a column of four pixels of two colours, each averaged with its like.

    Saliency and map reach one of the two bright pixels; the refinement, of one neighbour distance,
    carries both to the other one, but not to the dark ones.
    """
    image = np.repeat(np.array([[255], [255], [0], [0]], np.uint8)[..., None], 3, axis=2)
    Image.fromarray(image).save(tmp_path / 'a.png')
    column = np.array([[1], [0], [0], [0]], np.float32)
    refine = dict(type='PAR', dilations=[1], iterations=20)
    arguments = (column[None], (4,), (4, 1), np.uint8(255 * column), tmp_path / 'a.png')
    labels = {}
    for refined in (False, True):
        cue = dict(type='saliency', threshold=51, refined=refined)
        rules = LabelRules.from_config(dict(background_cue=cue, refine=refine, threshold=0.05))
        labels[refined] = rules.fuse(*arguments)[1][:, 0].tolist()
    assert labels == {False: [5, 0, 0, 0], True: [5, 5, 0, 0]}
    shares = PAR((1,), 20).refine(image, column[None])[0, :, 0]
    assert shares[1] > 0.2 > shares[2:].max()  # 51 of 255
    # It decides labels; those of earlier versions do not name it.
    assert rules.deciding()['background_cue']['refined'] is True
    assert 'refined' not in BackgroundCue().deciding() | BackgroundCue().to_config()
    assert LabelRules.from_config(json.loads(json.dumps(rules.to_config()))) == rules
    wrong = (*arguments[:3], np.zeros((3, 1), np.uint8), tmp_path / 'a.png')
    with pytest.raises(InputError, match=r'saliency map must be of size \(4, 1\), got \(3, 1\)'):
        rules.fuse(*wrong)


def test_masks_are_merged_into_both_labels() -> None:
    """What they are made of without `merge`, which labels of earlier versions do not name."""
    maps = np.random.default_rng(0).random((2, 12, 16), np.float32)
    cue = BackgroundCue('constant', value=0.6)
    plain = LabelRules(cue, max_confident=1, confident=0.7)
    config = dict(type='SegmentMerging', own_share=0.3, source='SAM')
    rules = replace(plain, merge=SegmentMerging.from_config(config))
    masks = np.zeros((2, 12, 16), bool)
    masks[0, :5], masks[1, 7:, 9:] = True, True
    segments = Segments.of_masks(masks)
    arguments = (maps, (1, 4), (12, 16), None, Path('not read'))
    written, evaluated = rules.fuse(*arguments, segments)
    for found, label in zip((written, evaluated), plain.fuse(*arguments), strict=True):
        np.testing.assert_array_equal(found, merge_segments(label, masks, 0.3))
        assert (found != label).any()
    assert (written == 255).any() and (written != evaluated).any()
    with pytest.raises(InputError, match='not read: `merge` of the pseudo labels needs the masks'):
        rules.fuse(*arguments)
    assert 'merge' not in plain.deciding() and 'merge' not in plain.to_config()
    assert rules.deciding() == plain.deciding() | dict(merge=dict(own_share=0.3, class_share=0.85))
    assert not rules.needs_image
    assert LabelRules.from_config(json.loads(json.dumps(rules.to_config()))) == rules


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (
            dict(treshold=0.2),
            r"pseudo_labels has no 'treshold', .*; did you mean 'threshold'\?",
        ),
        (
            dict(background_cue=dict(typ='power')),
            r"background_cue has no 'typ', only .*; did you mean 'type'",
        ),
        (
            dict(crf=dict(iteration=3)),
            r"crf has no 'iteration', .*; did you mean 'iterations'",
        ),
        (
            dict(background_cue=dict(type='salience')),
            r"has no type 'salience', only saliency, constant, power; did you mean 'saliency'\?; "
            'for a type of your own, name its module in custom_imports',
        ),
        (dict(background_cue=dict(type=['power'])), r"has no type \['power'\]"),
        (dict(background_cue='power'), r"background_cue must be a dict, got 'power'"),
        (['power'], r'pseudo_labels must be a dict'),
        (
            dict(background_cue=dict(refined=True)),
            r'`refined` needs a refinement of the maps: give pseudo_labels.refine=dict',
        ),
        (
            dict(background_cue=dict(type='power', refined=True), refine=dict(type='PAR')),
            r"`refined` is not for the type 'power'",
        ),
        (
            dict(background_cue=dict(threshold='high')),
            r"threshold must be a number, got 'high'",
        ),
        (dict(background_cue=dict(source=5)), r'source \(the network .* must be a text, got 5'),
    ],
)
def test_wrong_keys(config: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LabelRules.from_config(config)
