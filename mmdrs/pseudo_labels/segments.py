"""Class-agnostic masks of an image, such as those of SAM, merged into its pseudo label.

T. Chen et al., "Segment Anything Model (SAM) Enhanced Pseudo Labels for Weakly Supervised Semantic
Segmentation", arXiv 2305.05803; the rule that their code calls ``imp2``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

import numpy as np

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.rle import run_lengths
from mmdrs.pseudo_labels.steps import build_step


@dataclass(frozen=True)
class Segments:
    """The masks of one image, each as the runs of its pixels.

    Pixels are counted column by column, as in COCO's run-length encoding, so that this is read
    without decoding a mask: 200 masks of 4000 x 3000 take some MB instead of 2.4 GB, and what
    lies in a class is counted run by run.

    Attributes:
        size: Height and width.
        starts: The first pixel of each run, int64 (R,), those of one mask after those of another.
        ends: The pixel after the last of each run, int64 (R,).
        offsets: Where the runs of each mask begin, and R; int64 (n + 1,).
    """

    size: tuple[int, int]
    starts: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of_counts(cls, size: tuple[int, int], counts: Iterable[np.ndarray]) -> 'Segments':
        """From the run lengths of each mask, int64 (R,): pixels outside, inside, outside, ...

        Pixels are counted column by column.
        """
        starts, ends, offsets = [], [], [0]
        for lengths in counts:
            bounds = np.cumsum(lengths, dtype=np.int64)
            starts.append(bounds[0:-1:2])
            ends.append(bounds[1::2])
            offsets.append(offsets[-1] + len(ends[-1]))
        empty = np.zeros(0, np.int64)
        return cls(
            (int(size[0]), int(size[1])),
            np.concatenate([empty, *starts]),
            np.concatenate([empty, *ends]),
            np.array(offsets, np.int64),
        )

    @classmethod
    def of_masks(cls, masks: np.ndarray) -> 'Segments':
        """From masks (n, H, W), bool."""
        return cls.of_counts(masks.shape[1:], map(run_lengths, masks))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def areas(self) -> np.ndarray:
        """The pixels of each mask, int64 (n,)."""
        return self._sums(self.ends - self.starts)

    def inside(self, pixels: np.ndarray) -> np.ndarray:
        """How many pixels of each mask are True, int64 (n,); ``pixels`` are bool (H * W,)."""
        before = np.zeros(len(pixels) + 1, np.int32)
        np.cumsum(pixels, dtype=np.int32, out=before[1:])
        return self._sums(before[self.ends] - before[self.starts])

    def union(self, chosen: np.ndarray) -> np.ndarray:
        """The pixels of the masks that are ``chosen``, bool (n,), together; bool (H * W,)."""
        runs = np.repeat(chosen, np.diff(self.offsets))
        if not runs.any():
            return np.zeros(self.size[0] * self.size[1], bool)
        order = np.argsort(self.starts[runs])
        starts = self.starts[runs][order]
        ends = np.maximum.accumulate(self.ends[runs][order])
        # Runs that overlap become one.
        apart = np.flatnonzero(starts[1:] > ends[:-1])
        between = np.column_stack([ends[apart], starts[apart + 1]]).ravel()
        bounds = np.concatenate([starts[:1], between, ends[-1:]])
        lengths = np.diff(bounds, prepend=0, append=self.size[0] * self.size[1])
        return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """The sum of the values (R,) of the runs of each mask."""
        sums = np.zeros(len(values) + 1, np.int64)
        np.cumsum(values, dtype=np.int64, out=sums[1:])
        return np.diff(sums[self.offsets])


@dataclass(frozen=True)
class SegmentMerging:
    """Class-agnostic masks are merged into a label after it is made.

    Attributes:
        own_share: A class takes a mask that lies with more than this share of its own area in the
            class's pixels, 0..1 ...
        class_share: ... or covers at least this share of the class's pixels, 0..1.
        source: What made the masks, free text for the records, such as ``'SAM'``; '' where it is
            not known. It changes no label.

    Raises:
        InputError: If a share is out of range, or the source is no text.
    """

    own_share: float = 0.5
    class_share: float = 0.85
    source: str = ''

    def __post_init__(self) -> None:
        for name in ('own_share', 'class_share'):
            share = getattr(self, name)
            is_number = isinstance(share, Real) and not isinstance(share, bool)
            if not is_number or not 0 <= float(share) <= 1:
                raise InputError(f'merge: {name} must be a share of 0..1, got {share!r}')
        if not isinstance(self.source, str):
            raise InputError(
                'merge: source (the network or method that made the masks) must be a text, got '
                f'{self.source!r}'
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | None) -> 'SegmentMerging | None':
        """From a config's ``merge``: ``dict(type='SegmentMerging')``; None is off.

        Raises:
            InputError: If the type is another one, or a key is unknown.
        """
        if config is None:
            return None
        name = cls.__name__
        return build_step({name: cls}, 'pseudo_labels.merge', config, name)

    def deciding(self) -> dict[str, Any]:
        """The values that decide what a label is: all but the source."""
        values = asdict(self)
        del values['source']
        return values

    def merge(self, label: np.ndarray, segments: Segments) -> np.ndarray:
        """The label with the masks merged into it, see :func:`merge_segments`."""
        return merge_segments(label, segments, self.own_share, self.class_share)


def merge_segments(
    label: np.ndarray,
    segments: Segments | np.ndarray,
    own_share: float = 0.5,
    class_share: float = 0.85,
) -> np.ndarray:
    """Merge masks into a label.

    The classes have their turns in ascending order. A class takes every mask that no class has
    taken yet and that lies with more than ``own_share`` of its own area in the class's pixels, or
    covers at least ``class_share`` of them. It becomes the union of the masks that it takes and of
    those of its pixels that no mask untaken at the beginning of its turn covers. Later classes
    overwrite earlier ones. Pixels that are left to no class are background.

    255 (ignored) is no class: it counts for no share. Pixels of 255 become the class that covers
    them, and stay 255 where none does.

    Args:
        label: (H, W): 0 background, class + 1, 255 ignored.
        segments: Of the same size; or masks (n, H, W), bool.
        own_share: 0..1.
        class_share: 0..1.

    Returns:
        The merged label (H, W), of the same type.

    Raises:
        InputError: If label and masks differ in size.
    """
    if isinstance(segments, np.ndarray):
        segments = Segments.of_masks(segments)
    if label.shape != segments.size:
        raise InputError(
            f'the masks are {_size(segments.size)}, but the label is {_size(label.shape)}'
        )
    flat = label.ravel(order='F')
    merged = np.where(flat == IGNORE_LABEL, flat, 0).astype(label.dtype)
    areas = np.maximum(segments.areas(), 1)
    untaken = np.ones(len(segments), bool)
    for value in np.flatnonzero(np.bincount(flat)):
        if value in (0, IGNORE_LABEL):
            continue
        pixels = flat == value
        inside = segments.inside(pixels)
        # Divided, not multiplied: exact where a share is just reached.
        wanted = (inside / areas > own_share) | (inside / pixels.sum() >= class_share)
        taken = untaken & wanted
        pixels &= ~segments.union(untaken)
        merged[pixels | segments.union(taken)] = value
        untaken &= ~taken
    return np.ascontiguousarray(merged.reshape(label.shape, order='F'))


def _size(shape: Sequence[int]) -> str:
    return f'{shape[1]} x {shape[0]} (width x height)'
