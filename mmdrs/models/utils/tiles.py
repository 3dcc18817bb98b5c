"""Windows of a large image, and which part of the prediction each of them gives.

Windows overlap, and the prediction is cut in the middle of the overlap: each pixel comes from the
window in which it is farthest from an edge. So no scores have to be summed up over the image.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mmdrs.errors import InputError

#: Windows start at multiples of this: there the grid of a network with this output stride, or a
#: divisor of it, is that of the whole image.
ALIGNMENT = 32
#: The smallest window.
SMALLEST = 2 * ALIGNMENT


@dataclass(frozen=True)
class Span:
    """A window along one axis.

    Attributes:
        start, stop: The window, in pixels of the network's input.
        first, last: The pixels of the prediction that are taken from it; ``last`` is not one.
    """

    start: int
    stop: int
    first: int
    last: int


def spans(length: int, size: int, tile: int, align_corners: bool = False) -> list[Span]:
    """The windows along one axis; a quarter of a window, or more, overlaps the next one.

    Args:
        length: Pixels of the network's input.
        size: Pixels of the prediction.
        tile: Pixels of a window; the last one may be up to :data:`ALIGNMENT` - 1 smaller.
        align_corners: How ``length`` pixels become ``size``, as in ``F.interpolate``.

    Raises:
        InputError: If a window is smaller than :data:`SMALLEST`.
    """
    if tile < SMALLEST:
        raise InputError(f'a tile of {tile} pixels is too small; give {SMALLEST} or more')
    if tile >= length:
        return [Span(0, length, 0, size)]
    step = max(ALIGNMENT, (tile - tile // 4) // ALIGNMENT * ALIGNMENT)
    last = -(-(length - tile) // ALIGNMENT) * ALIGNMENT
    starts = [*range(0, last, step), last]
    stops = [min(start + tile, length) for start in starts]
    middles = [(stop + start) / 2 for stop, start in zip(stops, starts[1:], strict=False)]
    cuts = [0, *(_first_from(middle, length, size, align_corners) for middle in middles), size]
    windows = zip(starts, stops, cuts, cuts[1:], strict=False)
    return [Span(*window) for window in windows if window[2] < window[3]]


def _first_from(place: float, length: int, size: int, align_corners: bool) -> int:
    """The first pixel of the prediction that lies at a place of the input, or after it."""
    if align_corners:
        pixel = place * (size - 1) / (length - 1) if size > 1 else size
    else:
        pixel = (place + 0.5) * size / length - 0.5
    return min(size, max(0, math.ceil(pixel)))


@dataclass(frozen=True)
class Sampling:
    """Where bilinear interpolation finds the pixels of a span, by place in its window.

    Attributes:
        low, high: Both neighbours of each pixel, int64 (n,).
        weight: The weight of ``high``, float32 (n,).
    """

    low: Tensor
    high: Tensor
    weight: Tensor

    def part(self, start: int, stop: int) -> 'Sampling':
        """That of some of the pixels."""
        chosen = slice(start, stop)
        return Sampling(self.low[chosen], self.high[chosen], self.weight[chosen])

    def to(self, device: torch.device) -> 'Sampling':
        """On another device."""
        return Sampling(self.low.to(device), self.high.to(device), self.weight.to(device))


def sampling(span: Span, length: int, size: int, align_corners: bool) -> Sampling:
    """How ``F.interpolate`` finds the pixels of a span when ``length`` pixels become ``size``."""
    pixels = torch.arange(span.first, span.last, dtype=torch.float64)
    if align_corners:
        places = pixels * ((length - 1) / (size - 1) if size > 1 else 0)
    else:
        places = ((pixels + 0.5) * (length / size) - 0.5).clamp(min=0)
    low = places.floor().long().clamp(max=length - 1)
    high = (low + 1).clamp(max=length - 1)
    return Sampling(low - span.start, high - span.start, (places - low).float())


def interpolated(scores: Tensor, rows: Sampling, columns: Sampling) -> Tensor:
    """Bilinear interpolation of the scores (C, h, w) of a window: (C, pixels, pixels)."""
    tall = torch.lerp(scores[:, rows.low], scores[:, rows.high], rows.weight[:, None])
    return torch.lerp(tall[..., columns.low], tall[..., columns.high], columns.weight)


def strips(count: int, values_each: int, limit: int) -> Iterator[tuple[int, int]]:
    """Parts (start, stop) of ``count`` rows with at most ``limit`` values, one row at least."""
    step = max(1, limit // max(1, values_each))
    for start in range(0, count, step):
        yield start, min(start + step, count)
