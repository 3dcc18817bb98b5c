"""One pass over the images of a run: all labels of each, counted against its mask."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from limits.counts import LabelTotal
from limits.labels import AS_SETTINGS, LIMITS, ScoredImage, agreed_truth, limit_labels
from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress
from mmdrs.errors import InputError, naming
from mmdrs.models.utils.cam import resize_array
from mmdrs.pipeline.stages import COMPARED
from mmdrs.pseudo_labels.image_file import read_saliency
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments_file import read_segments
from mmdrs.reporting.report.counting import confusion_matrix
from mmdrs.reporting.report.listed_images import MAP_STAGES, ImageList, ListedImage

#: Rows of the comparison: which pixels of which labels.
AGREEMENT = ('agree', *(f'{name}, where they differ' for name in COMPARED))
_Counts = dict[str, np.ndarray]


class Limits(NamedTuple):
    """What was measured.

    Attributes:
        limits: By map stage the totals of each of :data:`~limits.labels.LIMITS`.
        sweeps: By map stage the totals of each row of the sweeps.
        agreement: The totals of each of :data:`AGREEMENT`; empty unless asked for.
    """

    limits: dict[str, dict[str, LabelTotal]]
    sweeps: dict[str, dict[str, LabelTotal]]
    agreement: dict[str, LabelTotal]


def find_maps(listed: ImageList, asked: Sequence[str], left_out: Mapping[str, str]) -> list[str]:
    """The map stages to measure.

    Args:
        listed: The images.
        asked: Names of map stages; none: all that are finished.
        left_out: Stages that cannot be measured, with the reason.

    Raises:
        InputError: If one that is asked for is not there, or none is; says why.
    """
    found = listed.made_by(MAP_STAGES)
    missing = [name for name in asked or ([] if found else MAP_STAGES) if name not in found]
    if missing:
        reasons = ', '.join(f'{name}: {left_out.get(name, "not there")}' for name in missing)
        raise InputError(
            f'there are no maps of the {listed.name} images to measure ({reasons}); run '
            'tools/pipeline.py to its end, or choose others with --maps and --split'
        )
    return [name for name in found if not asked or name in asked]


def measure_limits(
    listed: ImageList,
    stages: Sequence[str],
    rules: LabelRules,
    sweeps: Mapping[str, LabelRules],
    by_agreement: bool = False,
    workers: int = 0,
) -> Limits:
    """Make and count all labels of the images that have masks, with progress lines.

    Args:
        listed: The images.
        stages: Map stages, of which all have files.
        rules: Those of the settings.
        sweeps: The rules of each row of the sweeps.
        by_agreement: Also compare the labels of :data:`~mmdrs.pipeline.stages.COMPARED`.
        workers: Processes beside this one, see :func:`~mmdrs.apis.pool.ordered_map`.

    Raises:
        InputError: If no image has a mask, a stage that is compared is not among ``stages``, or a
            file is damaged or does not fit.
    """
    images = [image for image in listed.images if image.mask]
    if not images:
        raise InputError(
            f'no {listed.name} image has a mask, and limits are measured against masks: set '
            'mask_dir in the settings'
        )
    absent = [name for name in COMPARED if by_agreement and name not in stages]
    if absent:
        raise InputError(f'--by-agreement compares {" and ".join(COMPARED)}: no {absent[0]} here')
    totals = _Totals(len(listed.classes))
    count = partial(_count_image, _Work(stages, rules, sweeps, by_agreement, len(listed.classes)))
    progress = Progress('limits')
    for number, counted in enumerate(ordered_map(count, images, workers), 1):
        totals.add(counted)
        progress.step(number, len(images))
    return Limits(
        {name: totals.of((name, 'limits'), LIMITS) for name in stages},
        {name: totals.of((name, 'sweeps'), sweeps) for name in stages},
        totals.of(('', 'agreement'), AGREEMENT),
    )


class _Totals:
    """Totals by group and name."""

    def __init__(self, num_classes: int) -> None:
        self._num_classes = num_classes
        self._found: dict[tuple[str, str], dict[str, LabelTotal]] = {}

    def add(self, counted: Mapping[tuple[str, str], _Counts]) -> None:
        for group, counts in counted.items():
            found = self._found.setdefault(group, {})
            for name, confusion in counts.items():
                found.setdefault(name, LabelTotal(self._num_classes)).add(confusion)

    def of(self, group: tuple[str, str], names: Iterable[str]) -> dict[str, LabelTotal]:
        found = self._found.get(group, {})
        return {name: found[name] for name in names if name in found}


@dataclass(frozen=True)
class _Work:
    """What to count of an image; sent to each process."""

    stages: Sequence[str]
    rules: LabelRules
    sweeps: Mapping[str, LabelRules]
    by_agreement: bool
    num_classes: int


def _count_image(work: _Work, image: ListedImage) -> dict[tuple[str, str], _Counts]:
    """The confusion matrices of one image, by stage and group."""
    actual = read_label(image.mask)
    saliency = read_saliency(image.saliency, actual.shape) if image.saliency else None
    merged = image.segments if work.rules.merge else None
    segments = read_segments(merged, actual.shape) if merged else None
    counted, own = {}, {}
    for stage in work.stages:
        path = image.files[stage]
        found = _read_image(image, path, actual, saliency, work.num_classes)
        found = found._replace(segments=segments)
        with naming(path):
            labels = limit_labels(found, work.rules)
            swept = {name: found.label(rules) for name, rules in work.sweeps.items()}
        counted[stage, 'limits'] = _confusions(labels, actual, work.num_classes)
        counted[stage, 'sweeps'] = _confusions(swept, actual, work.num_classes)
        own[stage] = labels[AS_SETTINGS]
    if work.by_agreement:
        pair = [own[name] for name in COMPARED]
        counted['', 'agreement'] = count_agreement(*pair, actual, work.num_classes)
    return counted


def _read_image(
    image: ListedImage,
    path: Path,
    actual: np.ndarray,
    saliency: np.ndarray | None,
    num_classes: int,
) -> ScoredImage:
    stored = read_maps(path)
    if stored.original_size != actual.shape:
        raise InputError(
            f'{path} is of an image of {stored.original_size[::-1]}, its mask {image.mask} is '
            f'{actual.shape[::-1]} (width, height)'
        )
    if max(stored.labels, default=0) >= num_classes - 1:
        raise InputError(
            f'{path} holds maps of the classes {stored.labels}, but there are {num_classes - 1}'
        )
    maps = resize_array(stored.floats(), actual.shape)
    return ScoredImage(maps, stored.labels, actual, saliency, image.image)


def _confusions(labels: Mapping[str, np.ndarray], actual: np.ndarray, num_classes: int) -> _Counts:
    return {name: confusion_matrix(label, actual, num_classes) for name, label in labels.items()}


def count_agreement(
    first: np.ndarray, second: np.ndarray, actual: np.ndarray, num_classes: int
) -> _Counts:
    """Compare two labels (H, W) of one image.

    Returns:
        Confusion matrices by name of :data:`AGREEMENT`: where both are the same, of the first
        where they differ, of the second there.
    """
    agreed = agreed_truth(first, second, actual)
    both = confusion_matrix(first, agreed, num_classes)
    rest = [confusion_matrix(label, actual, num_classes) - both for label in (first, second)]
    return dict(zip(AGREEMENT, [both, *rest], strict=True))
