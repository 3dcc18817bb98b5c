"""Masks merged into labels: the authors' values, each clause by hand, and a plain re-statement."""

import tracemalloc

import numpy as np
import pytest

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.segments import SegmentMerging, Segments, merge_segments
from tests.parity.golden import GoldenFolder


@pytest.mark.parametrize('case', range(4))
def test_values_of_the_authors_code(golden: GoldenFolder, case: int) -> None:
    values = golden.load('merge')
    label, masks, expected = (values[f'{case}_{name}'] for name in ('label', 'masks', 'merged'))
    assert (label != expected).any()
    found = SegmentMerging().merge(label, Segments.of_masks(masks))
    assert found.dtype == label.dtype
    np.testing.assert_array_equal(found, expected)


def picture(text: str) -> np.ndarray:
    """Rows of digits; ``x`` is 255."""
    rows = [[255 if sign == 'x' else int(sign) for sign in row] for row in text.split()]
    return np.array(rows, np.uint8)


LABEL = picture('110022 110022 110022 330000 330000 000000')


def merged(*masks: str, label: np.ndarray = LABEL, **shares: float) -> list[str]:
    """The merged label as rows of digits; masks are rows of 0 and 1."""
    stacked = np.array([picture(mask) for mask in masks]).reshape(-1, *label.shape) > 0
    found = SegmentMerging(**shares).merge(label, Segments.of_masks(stacked))
    np.testing.assert_array_equal(merge_segments(label, stacked, **shares), found)
    return [''.join('x' if v == 255 else str(v) for v in row) for row in found]


def test_without_masks_nothing_changes() -> None:
    assert merged() == ['110022', '110022', '110022', '330000', '330000', '000000']
    empty = '000000 ' * 6
    assert merged(empty) == merged()


def test_a_mask_belongs_to_the_class_of_more_than_half_of_it() -> None:
    """4 of 6 pixels: taken whole. 2 of 4 are not more than half, and 2 of 6 of the class few."""
    most = '111000 111000 000000 000000 000000 000000'
    assert merged(most)[:3] == ['111022', '111022', '110022']
    half = '011000 011000 000000 000000 000000 000000'
    # Not taken, and what it covers of the class is lost: the class's other pixels stay.
    assert merged(half)[:3] == ['100022', '100022', '110022']
    assert merged(half, own_share=0.4)[:3] == ['111022', '111022', '110022']


def test_a_mask_belongs_to_the_class_that_it_covers() -> None:
    """All 4 pixels of class 3, in a mask of 12; 5 of the 6 of class 1, 83 %, in one of 13."""
    wide = '000000 000000 000000 111000 111000 111111'
    assert merged(wide)[3:] == ['333000', '333000', '333333']
    most = '111000 111100 101100 001100 001000 000000'
    assert merged(most)[:3] == ['000022', '000022', '010022']
    assert merged(most, class_share=5 / 6) == [
        *('111022', '111122', '111122', '331100', '331000', '000000')
    ]


def test_the_lowest_class_takes_a_mask_first() -> None:
    """It covers the classes 1 and 2: 12 of its 18 pixels are of them, 6 of each."""
    both = '111111 111111 111111 000000 000000 000000'
    # Class 1 takes it. Class 2 keeps its pixels, since the mask is no longer untaken.
    assert merged(both) == ['111122', '111122', '111122', '330000', '330000', '000000']
    # Of one that nobody takes both lose what it covers.
    between = '011110 011110 011110 000000 000000 000000'
    assert merged(between)[:3] == ['100002'] * 3


def test_pixels_in_masks_untaken_at_the_turn_of_their_class_are_lost() -> None:
    """A mask of class 3 that touches class 1: when that has its turn, nobody has taken it."""
    touching = '000000 000000 110000 110000 110000 000000'
    assert merged(touching) == ['110022', '110022', '330022', '330000', '330000', '000000']
    # One of class 1 that touches class 3 is taken before that has its turn: it overwrites.
    before = '110000 110000 110000 110000 000000 000000'
    assert merged(before) == ['110022', '110022', '110022', '330000', '330000', '000000']


def test_later_classes_overwrite() -> None:
    """Both take a mask of their own, and these overlap in the middle."""
    first = '111100 111100 000000 000000 000000 000000'  # half, and 4 of 6: by class_share
    second = '000111 000111 000111 000000 000000 000000'
    assert merged(first, second, class_share=0.6)[:3] == ['111222', '111222', '110222']


def test_ignored_pixels() -> None:
    """They count for no class; masks that are taken cover them, others leave them."""
    label = picture('xx1100 xx1100 000000 000000 0000xx 0000xx')
    # Half of it is 255, half is class 1: by its area not taken, but it covers the class.
    mask = '111100 111100 000000 000000 000000 000000'
    assert merged(mask, label=label)[:2] == ['111100', '111100']
    assert merged(mask, label=label, class_share=1)[:2] == ['111100', '111100']
    assert merged(mask, label=label)[4:] == ['0000xx', '0000xx']
    outside = '000000 000000 000000 000000 001111 001111'
    assert merged(outside, label=label) == [
        *('xx1100', 'xx1100', '000000', '000000', '0000xx', '0000xx')
    ]
    only = np.full((6, 6), 255, np.uint8)
    np.testing.assert_array_equal(merge_segments(only, only[None] > 0), only)


def plainly_merged(label: np.ndarray, masks: np.ndarray, own: float, share: float) -> np.ndarray:
    """The words of the rule, mask by mask."""
    found = np.where(label == 255, 255, 0)
    taken: set[int] = set()
    for value in sorted(set(label.ravel().tolist()) - {0, 255}):
        pixels = label == value
        before = [i for i in range(len(masks)) if i not in taken]
        own_masks = [
            i
            for i in before
            if (masks[i] & pixels).sum() > own * masks[i].sum()
            or (masks[i] & pixels).sum() >= share * pixels.sum()
        ]
        for i in before:
            pixels = pixels & ~masks[i]
        for i in own_masks:
            pixels = pixels | masks[i]
        found[pixels] = value
        taken |= set(own_masks)
    return found


def test_random_labels_and_masks() -> None:
    rng = np.random.default_rng(0)
    for size in ((1, 1), (1, 9), (9, 1), (17, 23), (30, 8)):
        for number in (0, 1, 3, 12):
            label = rng.choice([0, 0, 1, 4, 7, 255], size).astype(np.uint8)
            masks = rng.random((number, *size)) < rng.random((number, 1, 1))
            for own, share in ((0.5, 0.875), (0.25, 0.25), (0.5, 1), (1, 0.5)):
                found = merge_segments(label, masks, own, share)
                expected = plainly_merged(label, masks, own, share)
                np.testing.assert_array_equal(found, expected)


def test_lengths_of_zero_in_the_middle() -> None:
    """Other programs may write them: 0 0 0 1 1 1, read as one run and as two that touch."""
    counts = [np.array([2, 0, 1, 2, 0, 1]), np.array([3, 3])]
    one, other = (Segments.of_counts((1, 6), [found]) for found in counts)
    assert one.areas().tolist() == other.areas().tolist() == [3]
    for found in (one, other):
        assert found.union(np.array([True])).tolist() == [False] * 3 + [True] * 3


def test_large_images_are_not_decoded() -> None:
    """200 masks of 4000 x 3000 would take 2.4 GB; what merging takes is that of some labels."""
    height, width = 3000, 4000
    label = np.zeros((height, width), np.uint8)
    label[500:2500, 500:1500], label[500:2500, 2000:3000] = 1, 2
    counts = []
    for number in range(200):  # bars of 1000 x 100, 500 columns at most
        before = 500 + 10 * number + height * (15 * number)
        runs = [before, 100, *[height - 100, 100] * 499]
        counts.append(np.array([*runs, height * width - sum(runs)]))
    tracemalloc.start()
    segments = Segments.of_counts((height, width), counts)
    merged_label = SegmentMerging().merge(label, segments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(segments) == 200 and (segments.areas() == 50_000).all()
    assert (merged_label != label).any()
    assert peak < 300e6


def test_another_size() -> None:
    with pytest.raises(InputError, match=r'masks are 3 x 2 .*, but the label is 2 x 3 \(width'):
        merge_segments(np.zeros((3, 2), np.uint8), np.ones((1, 2, 3), bool))


def test_config() -> None:
    assert SegmentMerging.from_config(None) is None
    assert SegmentMerging.from_config({}) == SegmentMerging(0.5, 0.85)
    given = dict(type='SegmentMerging', own_share=0.6, class_share=1, source='SAM')
    assert SegmentMerging.from_config(given) == SegmentMerging(0.6, 1, 'SAM')
    assert SegmentMerging(0.6, 1, 'SAM').deciding() == dict(own_share=0.6, class_share=1)


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(type='SAM'), "merge has no type 'SAM', only SegmentMerging"),
        (dict(own=0.3), "merge has no 'own', only type, own_share"),
        ('SAM', "merge must be a dict, got 'SAM'"),
        (dict(own_share=50), r'merge: own_share must be a share of 0\.\.1, got 50'),
        (dict(class_share='all'), "class_share must be a share of 0..1, got 'all'"),
        (dict(class_share=True), 'class_share must be a share of 0..1, got True'),
        (dict(source=3), 'source .* must be a text, got 3'),
    ],
)
def test_wrong_configs(config: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SegmentMerging.from_config(config)
