"""Run-length encoding of masks, as COCO and pycocotools define it.

The pixels are read column by column. The counts are the lengths of the runs of 0 and 1 in turn,
the first one of 0; it may be 0. In the compressed form a count, from the fourth on less the one
two places before, is written as a signed number in base 32: five bits a character, lowest first,
bit 6 says that more follow, and 48 is added so that the characters can be printed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmdrs.errors import InputError

#: Characters of a count: 12 x 5 bits fit into 64.
_LONGEST = 12
#: Pixels of a mask: their number fits into 32 bits.
_MOST_PIXELS = 2**31 - 1


def run_lengths(mask: np.ndarray) -> np.ndarray:
    """The counts of a mask (H, W), bool or 0 and 1; int64."""
    pixels = np.asarray(mask, bool).ravel(order='F')
    if not pixels.size:
        return np.zeros(1, np.int64)
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    counts = np.diff(changes, prepend=0, append=pixels.size)
    return np.concatenate([[0], counts]) if pixels[0] else counts


def compressed(counts: Sequence[int]) -> str:
    """The counts, plain integers, as pycocotools writes them."""
    text = []
    for index, count in enumerate(counts):
        value = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            bits, value = value & 31, value >> 5
            # The last character's bit 5 is the sign of all bits above it.
            more = value != (-1 if bits & 16 else 0)
            text.append(chr(bits + 32 * more + 48))
    return ''.join(text)


def encode(mask: np.ndarray) -> dict[str, Any]:
    """The ``segmentation`` of an annotation: ``size`` [H, W] and compressed ``counts``."""
    return dict(size=list(mask.shape), counts=compressed(run_lengths(mask).tolist()))


def read_size(segmentation: Any) -> tuple[int, int]:
    """The (height, width) of the ``segmentation`` of an annotation.

    Raises:
        InputError: If it is no run-length encoding.
    """
    if not isinstance(segmentation, Mapping) or not {'size', 'counts'} <= segmentation.keys():
        found = 'polygons' if isinstance(segmentation, list) else f'{segmentation!r:.40}'
        raise InputError(
            "`segmentation` must be COCO's run-length encoding, {size, counts}, not " + found
        )
    size = segmentation['size']
    whole = isinstance(size, list | tuple) and all(type(side) is int for side in size)
    if not whole or len(size) != 2 or min(size) < 1 or size[0] * size[1] > _MOST_PIXELS:
        raise InputError(f'`size` must be [height, width], got {size!r:.40}')
    return size[0], size[1]


def read_counts(segmentation: Mapping[str, Any]) -> np.ndarray:
    """The counts, int64, of a ``segmentation`` that has passed :func:`read_size`.

    Raises:
        InputError: If they are neither a list of whole numbers nor compressed, or are not the runs
            of a mask of that ``size``.
    """
    found, total = segmentation['counts'], int(np.prod(segmentation['size'], dtype=np.int64))
    if isinstance(found, str):
        counts = _expanded(found)
    elif isinstance(found, list) and all(type(n) is int and 0 <= n <= total for n in found):
        counts = np.array(found, np.int64)
    else:
        raise InputError(f'`counts` must be a text or a list of lengths, got {found!r:.40}')
    if (counts < 0).any() or (counts > total).any() or counts.sum() != total:
        raise InputError(
            f'`counts` are not the runs of a mask of `size` {list(segmentation["size"])}'
        )
    return counts


def _expanded(text: str) -> np.ndarray:
    """The counts of a compressed text: all characters at once."""
    codes = np.frombuffer(text.encode('utf-8', 'replace'), np.uint8).astype(np.int64) - 48
    last = np.flatnonzero((codes & 32) == 0)  # the last character of each count
    first = np.concatenate([[0], last[:-1] + 1])
    sound = len(codes) and codes.min() >= 0 and codes.max() < 64 and codes[-1] < 32
    if not sound or (last - first).max() >= _LONGEST:
        raise InputError(f'`counts` are no compressed run lengths: {text!r:.40}')
    place = np.arange(len(codes)) - np.repeat(first, last - first + 1)
    counts = np.add.reduceat((codes & 31) << 5 * place, first)
    # Bit 5 of the last character is the sign.
    counts -= ((codes[last] & 16) != 0) * (np.int64(1) << 5 * (last - first + 1))
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    return counts
