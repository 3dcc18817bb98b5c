"""Windows along an axis, and bilinear interpolation of a window, against ``F.interpolate``."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mmdrs.errors import InputError
from mmdrs.models.utils.tiles import ALIGNMENT, interpolated, sampling, spans, strips

#: Pixels of the network's input, pixels of the prediction, and pixels of a window.
CASES = [
    *((200, 200, 64), (200, 77, 64), (200, 1000, 64), (201, 201, 96), (1025, 1025, 1024)),
    *((1030, 3001, 256), (333, 5, 64), (4097, 4097, 1024), (640, 640, 100)),
]


@pytest.mark.parametrize(('length', 'size', 'tile'), CASES)
def test_spans_cover_every_pixel_once(length: int, size: int, tile: int) -> None:
    found = spans(length, size, tile)
    assert len(found) > 1 or size < 2
    covered = [pixel for span in found for pixel in range(span.first, span.last)]
    assert covered == list(range(size))
    assert found[0].start == 0


@pytest.mark.parametrize(('length', 'size', 'tile'), CASES)
def test_spans_are_aligned_and_overlap(length: int, size: int, tile: int) -> None:
    found = spans(length, length, tile)
    assert found[-1].stop == length
    for span in found:
        assert span.start % ALIGNMENT == 0
        assert span.stop - span.start == tile or span is found[-1]
    assert tile - ALIGNMENT < found[-1].stop - found[-1].start <= tile
    for left, right in pairwise(found):
        overlap = left.stop - right.start
        assert overlap >= tile // 4 or right is found[-1]
        assert overlap > 0
        # Each pixel is as far from the edge of its window as in the other window, or farther.
        assert left.last == right.first
        assert abs((left.stop - left.last) - (right.first - right.start)) <= 1


def test_each_pixel_of_a_window_has_its_neighbours_there() -> None:
    for length, size, tile in CASES:
        for aligned in (False, True):
            for span in spans(length, size, tile, aligned):
                found = sampling(span, length, size, aligned)
                assert found.low.min() >= 0
                assert found.high.max() < span.stop - span.start
                assert len(found.low) == span.last - span.first


def test_a_small_image_is_one_window() -> None:
    (span,) = spans(64, 200, 64)
    assert (span.start, span.stop, span.first, span.last) == (0, 64, 0, 200)


def test_windows_that_are_too_small() -> None:
    with pytest.raises(InputError, match='a tile of 63 pixels is too small; give 64 or more'):
        spans(200, 200, 63)


@pytest.mark.parametrize('aligned', [False, True])
@pytest.mark.parametrize('size', [(200, 200), (71, 480), (333, 50), (1, 260), (2, 3)])
def test_windows_of_scores_are_interpolated_as_the_whole(
    size: tuple[int, int], aligned: bool
) -> None:
    scores = torch.randn(3, 136, 200, generator=torch.Generator().manual_seed(0))
    double = scores[None].double()  # in single precision, the places themselves are rounded
    whole = F.interpolate(double, size, mode='bilinear', align_corners=aligned)[0].float()
    found = torch.full((3, *size), torch.nan)
    for row in spans(136, size[0], 64, aligned):
        for column in spans(200, size[1], 96, aligned):
            window = scores[:, row.start : row.stop, column.start : column.stop]
            rows = sampling(row, 136, size[0], aligned)
            columns = sampling(column, 200, size[1], aligned)
            place = slice(row.first, row.last), slice(column.first, column.last)
            found[:, place[0], place[1]] = interpolated(window, rows, columns)
    torch.testing.assert_close(found, whole, atol=2e-6, rtol=0)


def test_strips_of_a_span() -> None:
    parts = list(strips(10, 5, 21))  # four rows have 20 values
    assert parts == [(0, 4), (4, 8), (8, 10)]
    assert list(strips(3, 100, 21)) == [(0, 1), (1, 2), (2, 3)]
    scores: Tensor = torch.randn(2, 64, 64, generator=torch.Generator().manual_seed(0))
    (span,) = spans(64, 90, 64)
    rows = columns = sampling(span, 64, 90, False)
    cut = [interpolated(scores, rows.part(*part), columns) for part in strips(90, 180, 2000)]
    assert len(cut) == 9
    assert torch.equal(torch.cat(cut, dim=1), interpolated(scores, rows, columns))
