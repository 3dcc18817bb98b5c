"""Run-length encoding, against a plain re-statement of the definition of COCO."""

import numpy as np
import pytest

from mmdrs.reporting.export.rle import compressed, encode, run_lengths


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


def test_worked_by_hand() -> None:
    """Two rows, three columns: read by columns 0 1, 1 1, 0 1."""
    mask = np.array([[0, 1, 0], [1, 1, 1]])
    assert run_lengths(mask) == [1, 3, 1, 1]
    # The fourth count is 1 - 3 = -2: bits 11110, its sign bit is set, no more follow: 30 + 48.
    assert encode(mask) == dict(size=[2, 3], counts='131N')


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


def test_first_run_is_of_zeros() -> None:
    assert run_lengths(np.ones((2, 3), bool)) == [0, 6]
    assert run_lengths(np.zeros((2, 3), bool)) == [6]
    assert run_lengths(np.array([[True, False]])) == [0, 1, 1]


@pytest.mark.parametrize('share', [0.003, 0.1, 0.5, 0.9, 0.999])
def test_random_masks_come_back(share: float) -> None:
    rng = np.random.default_rng(0)
    for size in ((1, 1), (1, 50), (37, 1), (61, 83), (300, 200)):
        mask = rng.random(size) < share
        np.testing.assert_array_equal(decode(encode(mask)), mask)


def test_long_runs_come_back() -> None:
    """Counts of several characters, and great differences of both signs."""
    mask = np.zeros((700, 500), bool)
    mask[:, 3:200] = True
    mask[5, 300] = mask[0, 310:490] = True
    np.testing.assert_array_equal(decode(encode(mask)), mask)
