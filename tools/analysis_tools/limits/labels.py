"""The labels of one image with one part of what makes them replaced; numpy only.

Labels are those that the pipeline scores, before pixels are ignored: uint8 (H, W), 0 background,
class + 1.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments import Segments

AS_SETTINGS = 'as settings'
ONE_CLASS = 'images of one class'
SALIENCY_ONLY = 'saliency only, images of one class'
#: What :func:`limit_labels` makes, in the order of the tables.
LIMITS = (
    AS_SETTINGS,
    'true saliency',
    'true classes',
    'true saliency and classes',
    'all salient',
    ONE_CLASS,
    SALIENCY_ONLY,
    'images of several classes',
)
#: Above 0 and below every level of a map: it wins against a background score of 0 alone.
_LEAST = np.float32(1e-6)


class ScoredImage(NamedTuple):
    """One image with ground truth, and what its label is made of.

    Attributes:
        maps: Localization maps of the classes present (K, H, W), of the size of the image.
        classes: Those classes, counted from 0.
        actual: Ground truth (H, W): 0 background, class + 1, 255 not scored.
        saliency: Saliency map (H, W), 0..255; None where there is none.
        path: The image file, which only a CRF reads.
        segments: The masks to merge, where the rules merge them.
    """

    maps: np.ndarray
    classes: tuple[int, ...]
    actual: np.ndarray
    saliency: np.ndarray | None
    path: Path
    segments: Segments | None = None

    def label(self, rules: LabelRules) -> np.ndarray:
        """The label (H, W) by some rules.

        Raises:
            InputError: If the rules need a saliency map or masks and there are none.
        """
        return rules.fuse(
            *(self.maps, self.classes, self.actual.shape, self.saliency, self.path), self.segments
        )[1]


def limit_labels(image: ScoredImage, rules: LabelRules) -> dict[str, np.ndarray]:
    """The labels of an image, by name of :data:`LIMITS`; without those that do not apply to it.

    Args:
        image: The image.
        rules: Those of the settings.

    Returns:
        Labels (H, W). 'all salient' and 'saliency only' need a saliency map; 'images of one class'
        and 'of several' are the label by the rules, for the images that have so many maps.
    """
    own, by_truth = image.label(rules), with_true_saliency(image, rules)
    labels = {
        AS_SETTINGS: own,
        'true saliency': by_truth,
        'true classes': with_true_classes(own, image.actual),
        'true saliency and classes': with_true_classes(by_truth, image.actual),
    }
    if image.saliency is not None:
        labels['all salient'] = all_salient(image, rules)
    if len(image.classes) > 1:
        labels['images of several classes'] = own
    if len(image.classes) == 1:
        labels[ONE_CLASS] = own
        if image.saliency is not None:
            labels[SALIENCY_ONLY] = saliency_only(image, rules.background_cue.threshold)
    return labels


def with_true_saliency(image: ScoredImage, rules: LabelRules) -> np.ndarray:
    """The label whose background cue is the true foreground, as a saliency map of 0 and 255."""
    saliency = np.where(image.actual > 0, 255, 0).astype(np.uint8)
    return image._replace(saliency=saliency).label(by_saliency(rules, threshold=0))


def with_true_classes(label: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """A label (H, W) with its extent, and the true class wherever it lies on an object."""
    return np.where((label > 0) & (actual > 0), actual, label)


def all_salient(image: ScoredImage, rules: LabelRules) -> np.ndarray:
    """The label at map threshold 0: whatever is salient belongs to a class.

    Where all maps are 0, so that none of them says which, it is the first class of the image.
    """
    image = image._replace(maps=np.maximum(image.maps, _LEAST))
    return image.label(replace(by_saliency(rules, rules.background_cue.threshold), threshold=0))


def saliency_only(image: ScoredImage, threshold: float) -> np.ndarray:
    """The label of an image of one class without its map: this class where it is salient."""
    return np.where(image.saliency > threshold, image.classes[0] + 1, 0).astype(np.uint8)


def by_saliency(rules: LabelRules, threshold: float) -> LabelRules:
    """The rules with a saliency map as background cue, salient above ``threshold`` (0..255).

    Without ``sure``, which ignores pixels of written labels only.
    """
    cue = replace(rules.background_cue, type='saliency', threshold=threshold, sure=None)
    return replace(rules, background_cue=cue)


def agreed_truth(first: np.ndarray, second: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Ground truth (H, W) that is 255, not scored, where two labels (H, W) differ."""
    return np.where(first == second, actual, IGNORE_LABEL)
