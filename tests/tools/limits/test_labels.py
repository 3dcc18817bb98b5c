"""The label of each limit on two tiny images, and its score, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from limits.counts import Errors, LabelTotal
from limits.labels import LIMITS, ScoredImage, limit_labels
from limits.sweeps import sweep_rules
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.segments import SegmentMerging, Segments, merge_segments
from mmdrs.reporting.report.counting import confusion_matrix
from tests.tools.limits.images import CLASSES, RULES, cat_alone, cat_and_dog, label


def total(made: np.ndarray, image: ScoredImage) -> LabelTotal:
    found = LabelTotal(len(CLASSES))
    found.add(confusion_matrix(made, image.actual, len(CLASSES)))
    return found


# The truth has 4 pixels of background, 4 of the cat, 3 of the dog. IoU of background, cat, dog:
BY_HAND = {
    'as settings': (('1010', '1112', '002'), (3 / 5, 3 / 6, 2 / 3), Errors(1, 1, 1)),
    'true saliency': (('1000', '1112', '002'), (4 / 5, 3 / 5, 2 / 3), Errors(0, 1, 1)),
    'true classes': (('1010', '1122', '002'), (3 / 5, 3 / 5, 3 / 3), Errors(1, 1, 0)),
    'true saliency and classes': (
        ('1000', '1122', '002'),
        (4 / 5, 3 / 4, 3 / 3),
        Errors(0, 1, 0),
    ),
    'all salient': (('1110', '1112', '002'), (3 / 4, 4 / 6, 2 / 3), Errors(1, 0, 1)),
    'images of several classes': (('1010', '1112', '002'), (3 / 5, 3 / 6, 2 / 3), Errors(1, 1, 1)),
}


@pytest.mark.parametrize('name', BY_HAND)
def test_an_image_of_two_classes(name: str) -> None:
    image = cat_and_dog()
    rows, iou, errors = BY_HAND[name]
    made = limit_labels(image, RULES)[name]
    scored = image.actual != 255
    assert made[scored].tolist() == label(*rows[:2], f'{rows[2]}x')[scored].tolist()
    found = total(made, image)
    assert found.counts.iou() == pytest.approx(iou)
    assert found.counts.miou() == pytest.approx(100 * sum(iou) / 3)
    assert (found.images, found.pixels, found.errors) == (1, 11, errors)
    assert found.accuracy == pytest.approx(100 * (11 - sum(errors)) / 11)


def test_an_image_of_one_class() -> None:
    image = cat_alone()
    labels = limit_labels(image, RULES)
    # 3 pixels labelled, 2 of them of the 3 of the cat; background: 8 labelled, 7 of the 8.
    assert total(labels['images of one class'], image).counts.miou() == pytest.approx(
        100 * (2 / 4 + 7 / 9) / 2
    )
    # 4 salient pixels, 3 of the cat; background: 7 labelled, 7 of the 8.
    assert total(labels['saliency only, images of one class'], image).counts.miou() == (
        pytest.approx(100 * (3 / 4 + 7 / 8) / 2)
    )
    assert 'images of several classes' not in labels
    assert set(labels) | {'images of several classes'} == set(LIMITS)
    assert set(limit_labels(cat_and_dog(), RULES)) == set(BY_HAND)


def test_without_saliency_maps() -> None:
    image = cat_alone()._replace(saliency=None)
    rules = replace(RULES, background_cue=BackgroundCue('constant', value=0.6))
    labels = limit_labels(image, rules)
    assert 'all salient' not in labels and 'saliency only, images of one class' not in labels
    assert (labels['as settings'] == label('1000', '1100', '0000')).all()
    # The true foreground takes the place of the constant: the map above 0.2 alone decides.
    assert (labels['true saliency'] == label('1000', '1000', '0000')).all()


def test_saliency_of_the_settings_does_not_matter_to_the_true_one() -> None:
    rules = replace(RULES, background_cue=BackgroundCue('saliency', threshold=255))
    made = limit_labels(cat_and_dog(), rules)
    assert not made['as settings'].any()
    assert (made['true saliency'][:2] == label('1000', '1112')).all()


def test_all_salient_fills_what_no_map_covers() -> None:
    image = cat_and_dog()
    image = image._replace(maps=image.maps * 0)
    made = limit_labels(image, RULES)
    assert not made['as settings'].any()
    # All maps are 0: the first class, where it is salient.
    assert (made['all salient'] == label('1110', '1111', '0011')).all()


def test_an_image_without_classes() -> None:
    image = cat_alone()._replace(maps=np.zeros((0, 3, 4), np.float32), classes=())
    labels = limit_labels(image, RULES)
    assert 'images of one class' not in labels and 'images of several classes' not in labels
    assert not labels['as settings'].any() and not labels['all salient'].any()


# Labels of other rules; those in one line are equal.
SAME_AS_TRUE_SALIENCY = (4 / 5, 3 / 5, 2 / 3)  # 1000 / 1112 / 002x
DOG_TOO_WIDE = (3 / 5, 3 / 5, 2 / 4)  # 1000 / 1112 / 022x
SWEPT = {
    'map threshold 0': (3 / 4, 4 / 6, 2 / 3),  # as all salient
    'map threshold 0.2': (3 / 5, 3 / 6, 2 / 3),  # as the settings
    'map threshold 0.5': SAME_AS_TRUE_SALIENCY,  # the cat's 0.3 on background is gone
    'saliency threshold 50': (3 / 5, 3 / 6, 2 / 3),  # as the settings
    'saliency threshold 80': SAME_AS_TRUE_SALIENCY,  # that pixel has saliency 60
    'no saliency, constant 0.4': DOG_TOO_WIDE,  # the dog's 0.5 on background wins
    'no saliency, constant 0.5': SAME_AS_TRUE_SALIENCY,  # a tie, which background wins
    'no saliency, power 1': SAME_AS_TRUE_SALIENCY,  # 1 - 0.5, a tie
    'no saliency, power 2': DOG_TOO_WIDE,  # 0.25 < 0.5; the cat's 0.3 < 0.49
}


@pytest.mark.parametrize('name', SWEPT)
def test_sweeps(name: str) -> None:
    image = cat_and_dog()
    rules = sweep_rules(RULES, has_saliency=True)[name]
    assert total(image.label(rules), image).counts.iou() == pytest.approx(SWEPT[name])


def test_rows_of_the_sweeps() -> None:
    rows = sweep_rules(RULES, has_saliency=True, thresholds=(0.25,))
    assert [name for name in rows if name.startswith('map')] == ['map threshold 0.25']
    assert len([name for name in rows if name.startswith('saliency')]) == 5
    assert len([name for name in rows if name.startswith('no saliency')]) == 10
    assert not [n for n in sweep_rules(RULES, has_saliency=False) if n.startswith('saliency')]


def test_unsure_saliency_of_the_settings_changes_no_row() -> None:
    """It ignores pixels of written labels only, and may end below a threshold of the sweep."""
    band = replace(RULES, background_cue=BackgroundCue(threshold=20, sure=60))
    whole = replace(RULES, background_cue=BackgroundCue(threshold=20))
    for image in (cat_and_dog(), cat_alone()):
        for made in (
            lambda rules, image=image: limit_labels(image, rules),
            lambda rules, image=image: {
                name: image.label(row) for name, row in sweep_rules(rules, True).items()
            },
        ):
            found, expected = made(band), made(whole)
            assert list(found) == list(expected)
            for name, label_ in expected.items():
                np.testing.assert_array_equal(found[name], label_, err_msg=name)


def test_rows_with_a_crf() -> None:
    pytest.importorskip('pydensecrf')
    rows = sweep_rules(RULES, has_saliency=True, crf=True)
    assert len([name for name in rows if name.endswith(', CRF')]) == 11
    assert all((row.crf is not None) == name.endswith(', CRF') for name, row in rows.items())
    assert rows['as settings, CRF'] == replace(RULES, crf=rows['no saliency, power 1, CRF'].crf)
    own = sweep_rules(rows['as settings, CRF'], has_saliency=True)
    assert own['as settings, without CRF'] == RULES
    assert all(row.crf is None for row in own.values())


def test_masks_are_merged_as_by_the_settings() -> None:
    image, rules = cat_and_dog(), replace(RULES, merge=SegmentMerging())
    masks = np.zeros((1, *image.actual.shape), bool)
    masks[0, 0] = True  # by the settings nobody takes it: the cat has two of its four pixels
    image = image._replace(segments=Segments.of_masks(masks))
    plain = limit_labels(image._replace(segments=None), RULES)
    found = limit_labels(image, rules)
    assert found['as settings'][:2].tolist() == label('0000', '1112').tolist()
    for name in ('true saliency', 'all salient'):
        np.testing.assert_array_equal(found[name], merge_segments(plain[name], masks))
