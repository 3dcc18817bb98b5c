"""Run-length encoding of masks, as COCO and pycocotools define it.

The pixels are read column by column. The counts are the lengths of the runs of 0 and 1 in turn,
the first one of 0; it may be 0. In the compressed form a count, from the fourth on less the one
two places before, is written as a signed number in base 32: five bits a character, lowest first,
bit 6 says that more follow, and 48 is added so that the characters can be printed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def run_lengths(mask: np.ndarray) -> list[int]:
    """The counts of a mask (H, W), bool or 0 and 1."""
    pixels = np.asarray(mask).ravel(order='F').astype(bool)
    if not pixels.size:
        return [0]
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    counts = np.diff(np.concatenate([[0], changes, [pixels.size]])).tolist()
    return [0, *counts] if pixels[0] else counts


def compressed(counts: Sequence[int]) -> str:
    """The counts as pycocotools writes them."""
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
    return dict(size=list(mask.shape), counts=compressed(run_lengths(mask)))
