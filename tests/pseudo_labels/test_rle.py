"""Run-length encoding, against a plain re-statement of the definition of COCO."""

import numpy as np
import pytest

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.rle import compressed, encode, read_counts, read_size, run_lengths


def parsed(text: str) -> list[int]:
    """Counts of a compressed string: rleFrString of pycocotools, re-stated."""
    counts, place = [], 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            bits = ord(text[place]) - 48
            assert 0 <= bits < 64
            value += (bits & 31) << shift
            more, place, shift = bool(bits & 32), place + 1, shift + 5
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    return counts


def decode(segmentation: dict) -> np.ndarray:
    """The mask: columns one below the other, runs of 0 and 1 in turn."""
    height, width = segmentation['size']
    pixels = []
    for index, count in enumerate(parsed(segmentation['counts'])):
        pixels += [bool(index % 2)] * count
    assert len(pixels) == height * width
    return np.array([[pixels[x * height + y] for x in range(width)] for y in range(height)])


def assert_comes_back(mask: np.ndarray) -> None:
    """Compressed and as a list of lengths."""
    segmentation, lengths = encode(mask), run_lengths(mask)
    np.testing.assert_array_equal(decode(segmentation), mask)
    np.testing.assert_array_equal(read_counts(segmentation), lengths)
    listed = dict(segmentation, counts=lengths.tolist())
    np.testing.assert_array_equal(read_counts(listed), lengths)
    assert read_size(segmentation) == mask.shape


def test_worked_by_hand() -> None:
    """Two rows, three columns: read by columns 0 1, 1 1, 0 1."""
    mask = np.array([[0, 1, 0], [1, 1, 1]])
    assert run_lengths(mask).tolist() == [1, 3, 1, 1]
    # The fourth count is 1 - 3 = -2: bits 11110, its sign bit is set, no more follow: 30 + 48.
    assert encode(mask) == dict(size=[2, 3], counts='131N')
    assert read_counts(dict(size=[2, 3], counts='131N')).tolist() == [1, 3, 1, 1]


@pytest.mark.parametrize(
    ('counts', 'text'),
    [
        ([0, 6], '06'),
        ([15], '?'),  # the last that fits: its sign bit is 0
        ([16], '`0'),  # 16 + 32 + 48, and a 0 for the sign
        ([32], 'P1'),
        ([1000], 'Xo0'),  # 1000 = 8 + 32 * 31: 8 + 80, 31 + 80, 0 + 48
        ([5, 40, 5, 8], '5X15PO'),  # 40: 8 and 1; 8 - 40 = -32: 0 and -1 (31)
    ],
)
def test_compressed_by_hand(counts: list[int], text: str) -> None:
    assert compressed(counts) == text
    assert parsed(text) == counts
    segmentation = dict(size=[1, sum(counts)], counts=text)
    assert read_counts(segmentation).tolist() == counts


def test_first_run_is_of_zeros() -> None:
    assert run_lengths(np.ones((2, 3), bool)).tolist() == [0, 6]
    assert run_lengths(np.zeros((2, 3), bool)).tolist() == [6]
    assert run_lengths(np.array([[True, False]])).tolist() == [0, 1, 1]


@pytest.mark.parametrize('share', [0.003, 0.1, 0.5, 0.9, 0.999])
def test_random_masks_come_back(share: float) -> None:
    rng = np.random.default_rng(0)
    for size in ((1, 1), (1, 50), (37, 1), (61, 83), (300, 200)):
        mask = rng.random(size) < share
        assert_comes_back(mask)


def test_long_runs_come_back() -> None:
    """Counts of several characters, and great differences of both signs."""
    mask = np.zeros((700, 500), bool)
    mask[:, 3:200] = True
    mask[5, 300] = mask[0, 310:490] = True
    assert_comes_back(mask)


@pytest.mark.parametrize(
    ('segmentation', 'message'),
    [
        ([[1, 2, 3, 4, 5, 6]], "must be COCO's run-length encoding, .* not polygons"),
        (None, 'not None'),
        (dict(size=[2, 3]), 'not .*size'),
        (dict(size=[2], counts='06'), r'`size` must be \[height, width\], got \[2\]'),
        (dict(size=[0, 3], counts=[]), '`size` must be'),
        (dict(size=[2, True], counts=[2]), '`size` must be'),
        (dict(size=[10**30, 1], counts=[10**30]), '`size` must be'),
        (dict(size=[2, 3], counts=6), '`counts` must be a text or a list of lengths, got 6'),
        (dict(size=[2, 3], counts=[1.0, 5]), '`counts` must be'),
        (dict(size=[2, 3], counts=[7, -1]), '`counts` must be'),
        (dict(size=[2, 3], counts=[1, 4]), r'are not the runs of a mask of `size` \[2, 3\]'),
        (dict(size=[2, 3], counts='07'), 'are not the runs of a mask'),
        (dict(size=[2, 3], counts='1N8'), 'are not the runs of a mask'),  # 1, -2
        (dict(size=[2, 3], counts=''), 'no compressed run lengths'),
        (dict(size=[2, 3], counts='0 6'), 'no compressed run lengths'),
        (dict(size=[2, 3], counts='0`'), 'no compressed run lengths'),  # more would follow
        (dict(size=[2, 3], counts='`' * 12 + '0'), 'no compressed run lengths'),
        (dict(size=[2, 3], counts='0é'), 'no compressed run lengths'),
    ],
)
def test_what_is_no_encoding(segmentation: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_size(segmentation)
        read_counts(segmentation)
