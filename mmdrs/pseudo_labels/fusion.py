"""Fusing localization maps and a background cue into pseudo labels (reference code, stage 3).

Channels are [background, class 0, class 1, ...]; the label is the argmax, optionally after a dense
CRF, and index 0 wins ties. Two labels come out: the *written* one holds 255 (ignored) where the
channels contradict each other; the one that the released scoring scripts *evaluate* does not.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any, Literal, cast

import numpy as np

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import (
    CONFIDENT_THRESHOLD,
    IGNORE_LABEL,
    MAP_THRESHOLD,
    SALIENCY_THRESHOLD,
)
from mmdrs.pseudo_labels.crf import MIN_PROBABILITY, DenseCRF
from mmdrs.pseudo_labels.steps import IMPORT_HINT, Cue, build_step
from mmdrs.registry import BACKGROUND_CUES


@BACKGROUND_CUES.register_module(['saliency', 'constant', 'power'])
@dataclass(frozen=True)
class BackgroundCue(Cue):
    """Where the background is: the cues that need nothing but maps and saliency maps.

    Attributes:
        type: ``saliency``: background where the foreground score is at most ``threshold``: the
            saliency map, or a mean of it and of the maps (``maps_weight``);
            ``constant``: one background score ``value`` for all pixels;
            ``power``: ``(1 - max over classes) ** exponent``.
        threshold: 0..255, for ``saliency``.
        sure: In the written label, pixels that are neither surely background nor surely object
            are ignored: for ``saliency`` (0..255) those above ``threshold`` and at most this; for
            ``constant`` (0..1) those whose highest map is above ``value`` and at most this, the
            low and the high threshold of AFA and ToCo. None ignores none.
        maps_weight: 0..1, for ``saliency``: the foreground score is this share of 255 times the
            sum of the maps, at most 1, and of the saliency map the rest. Above 0 for maps that say
            themselves where objects end, such as the probabilities of a segmentation network.
        value: For ``constant``.
        exponent: For ``power``.
        source: The network or method that made the saliency maps, free text for the records, such
            as ``'CSNet'``; '' where it is not known. It changes no label.
        refined: For ``saliency``: whether ``refine`` of the rules refines the saliency map
            together with the maps, for saliency maps that do not follow edges.

    Raises:
        InputError: If the type is unknown, a number is none, or the source is no text.
    """

    type: Literal['saliency', 'constant', 'power'] = 'saliency'
    threshold: float = SALIENCY_THRESHOLD
    sure: float | None = None
    value: float = 0.3
    exponent: float = 2.0
    source: str = ''
    maps_weight: float = 0.0
    refined: bool = False

    def __post_init__(self) -> None:
        known = ('saliency', 'constant', 'power')
        if self.type not in known:
            raise InputError(f'background cue type must be one of {known}, got {self.type!r}')
        for name in ('threshold', 'sure', 'value', 'exponent', 'maps_weight'):
            number = getattr(self, name)
            if name == 'sure' and number is None:
                continue
            if not isinstance(number, Real) or isinstance(number, bool):
                raise InputError(f'background cue: {name} must be a number, got {number!r}')
        if self.sure is not None:
            self._check_sure()
        if not 0 <= self.maps_weight <= 1:
            raise InputError(
                f'background_cue: `maps_weight` must be in 0..1, got {self.maps_weight:g}'
            )
        if self.refined and self.type != 'saliency':
            raise InputError(f'background_cue: `refined` is not for the type {self.type!r}')
        if not isinstance(self.source, str):
            raise InputError(
                'background cue: source (the network or method that made the saliency maps) must '
                f'be a text, got {self.source!r}'
            )

    def _check_sure(self) -> None:
        low = dict(saliency='threshold', constant='value').get(self.type)
        if low is None:
            raise InputError(f'background_cue: `sure` is not for the type {self.type!r}')
        if self.sure < getattr(self, low):
            raise InputError(
                f'background_cue: `sure` ({self.sure:g}) must not be below `{low}` '
                f'({getattr(self, low):g})'
            )

    def _needs_saliency(self) -> bool:
        return self.type == 'saliency'

    # Other cues have a constant here.
    needs_saliency = cast(bool, property(_needs_saliency))

    def to_config(self) -> dict[str, Any]:
        """Every value; ``refined``, which earlier scores do not name, where it is True."""
        values = asdict(self)
        if not self.refined:
            del values['refined']
        return values

    def deciding(self) -> dict[str, Any]:
        """Without the source, and without what labels of earlier versions do not name."""
        values = self.to_config()
        del values['source']
        if values['sure'] is None:
            del values['sure']
        if not values['maps_weight']:
            del values['maps_weight']
        return values

    def score(
        self, maps: np.ndarray, saliency: np.ndarray | None, image: np.ndarray | None = None
    ) -> np.ndarray:
        """Background score (H, W) for maps (K, H, W); the saliency map is (H, W), 0..255.

        Raises:
            InputError: If a saliency map is needed and missing, or of another size.
        """
        height, width = maps.shape[1:]
        if self.type == 'constant':
            return np.full((height, width), self.value, np.float32)
        if self.type == 'power':
            peak = maps.max(axis=0, initial=0)
            return (1 - np.clip(peak, 0, 1)) ** np.float32(self.exponent)
        return (self.foreground(maps, saliency) <= self.threshold).astype(np.float32)

    def unsure(
        self, maps: np.ndarray, saliency: np.ndarray | None, image: np.ndarray | None = None
    ) -> np.ndarray | None:
        """Where objects are not ``sure``, bool (H, W); arguments as of :meth:`score`."""
        if self.sure is None:
            return None
        score, low = maps.max(axis=0, initial=0), self.value
        if self.needs_saliency:
            score, low = self.foreground(maps, saliency), self.threshold
        return (score > low) & (score <= self.sure)

    def foreground(self, maps: np.ndarray, saliency: np.ndarray | None) -> np.ndarray:
        """Foreground score (H, W), 0..255, of a ``saliency`` cue; arguments as of :meth:`score`.

        Raises:
            InputError: If the saliency map is missing, or of another size.
        """
        saliency = check_size(saliency, maps)
        if not self.maps_weight:
            return saliency
        own = np.minimum(maps.sum(axis=0, dtype=np.float32), 1)
        share = np.float32(self.maps_weight)
        return share * 255 * own + (1 - share) * saliency.astype(np.float32)


def check_size(saliency: np.ndarray | None, maps: np.ndarray) -> np.ndarray:
    """The saliency map (H, W), which must have the size of the maps (K, H, W).

    Raises:
        InputError: If it has not, or is missing.
    """
    size = maps.shape[1:]
    if saliency is None or saliency.shape != size:
        found = 'none' if saliency is None else f'{saliency.shape}'
        raise InputError(f'the saliency map must be of size {size}, got {found}')
    return saliency


def build_cue(config: Mapping[str, Any]) -> Cue:
    """From a config's ``background_cue``: ``dict(type='saliency', threshold=50)``.

    Raises:
        InputError: If the type or a key is unknown, or a value cannot be used.
    """
    kinds, where = BACKGROUND_CUES.module_dict, 'pseudo_labels.background_cue'
    return build_step(kinds, where, config, BackgroundCue.type, IMPORT_HINT)


def fuse_maps(
    maps: np.ndarray,
    labels: tuple[int, ...],
    cue: Cue,
    saliency: np.ndarray | None = None,
    threshold: float = MAP_THRESHOLD,
    confident: float = CONFIDENT_THRESHOLD,
    max_confident: int = 2,
    crf: DenseCRF | None = None,
    image: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Fuse the maps of one image into a label.

    A CRF changes the argmax only; confident channels are counted without it.

    Args:
        maps: Localization maps of the classes present, (K, H, W); values above 1 are kept.
        labels: Those classes, counted from 0.
        cue: The background cue.
        saliency: Saliency map (H, W), 0..255, where the cue needs one.
        threshold: Map values below are 0.
        confident: A channel above this is confident ...
        max_confident: ... and a pixel with more confident channels than this, background included,
            is ignored.
        crf: Applied before the argmax; None is none.
        image: uint8 RGB (H, W, 3), for the CRF and for cues that need it.

    Returns:
        ``(written, evaluated)``: uint8 (H, W), 0 background, class + 1, and in ``written`` alone
        255 where too many channels are confident, where a salient pixel is background, and where
        an object is not ``sure``.

    Raises:
        InputError: If the saliency map or the image is needed and missing, or of another size, or
            if a class does not fit into a label file.
    """
    if any(label + 1 >= IGNORE_LABEL for label in labels):
        raise InputError(
            f'classes {labels}: a label file holds 0..{IGNORE_LABEL - 1}, and {IGNORE_LABEL} is '
            '"ignored"'
        )
    kept = np.where(maps < np.float32(threshold), np.float32(0), maps)
    background = cue.score(kept, saliency, image)
    channels = np.concatenate([background[None], kept])  # (1 + K, H, W)
    ids = np.array([0, *(label + 1 for label in labels)], np.uint8)
    scores = channels
    if crf is not None:
        if image is None:
            raise InputError('the dense CRF of the pseudo labels needs the image')
        scores = np.maximum(channels, np.float32(MIN_PROBABILITY))
        scores = crf.refine(image, scores / scores.sum(axis=0))
    evaluated = _winners(scores, ids)

    written = evaluated.copy()
    above = (channels > np.float32(confident)).sum(axis=0, dtype=np.uint16)
    written[above > max_confident] = IGNORE_LABEL
    if cue.needs_saliency:
        written[(background == 0) & (evaluated == 0)] = IGNORE_LABEL
    unsure = cue.unsure(kept, saliency, image)
    if unsure is not None:
        written[unsure] = IGNORE_LABEL
    return written, evaluated


def _winners(scores: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """``ids[scores.argmax(axis=0)]``, (H, W): five times as fast where channels are few."""
    best = scores[0].copy()
    winners = np.full(best.shape, ids[0])
    for channel, name in zip(scores[1:], ids[1:], strict=True):
        np.copyto(winners, name, where=channel > best)  # the first wins ties
        np.maximum(best, channel, out=best)
    return winners
