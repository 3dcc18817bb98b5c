"""Statistics of what the stages have made: one pass over the images for each stage."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing import Pool

import numpy as np
import torch

from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.evaluation.functional.scores import (
    LEVELS,
    LabelCounts,
    MapCounts,
    MapTotals,
    count_maps,
)
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.reporting.report.counting import (
    IGNORED,
    SizeGroup,
    confusion_matrix,
    label_counts,
    level_histograms,
    object_rows,
    precision_recall,
    size_groups,
)
from mmdrs.reporting.report.listed_images import LABEL_STAGES, MAP_STAGES, ImageList, ListedImage

#: The fixed threshold of the pipeline's table, and the one above which a map covers a pixel.
THRESHOLD = 0.2


@dataclass(frozen=True)
class MapStatistics:
    """The maps of one stage against ground truth; arrays by threshold, (256,), in percent.

    Attributes:
        miou: mIoU where the foreground is what reaches the threshold.
        precision: Share of what reaches it that lies on the object.
        recall: Share of the objects that reaches it.
        sizes: Coverage and over-activation by size of the objects.
    """

    miou: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    sizes: list[SizeGroup]


@dataclass(frozen=True)
class LabelStatistics:
    """Labels or predictions of one stage.

    Attributes:
        ignored: Share of all their pixels that is 255, 0..1.
        confusion: Summed :func:`.confusion_matrix`; zero where no mask fits.
        scores: mIoU of each image in percent (N,); NaN without ground truth.
        unfit: How many are of another size than their mask; they do not count.
    """

    ignored: float
    confusion: np.ndarray
    scores: np.ndarray
    unfit: int

    @cached_property
    def counts(self) -> LabelCounts:
        """The counts of the pipeline's scores."""
        return label_counts(self.confusion)


@dataclass(frozen=True)
class Statistics:
    """All statistics, by name of the stage.

    Attributes:
        maps: Of the stages that make maps; none without ground truth.
        labels: Of the pseudo labels and the prediction.
    """

    maps: dict[str, MapStatistics]
    labels: dict[str, LabelStatistics]

    @property
    def scored(self) -> dict[str, LabelStatistics]:
        """The labels that have ground truth."""
        return {name: found for name, found in self.labels.items() if found.confusion.any()}


def compute_statistics(listed: ImageList, workers: int = 0) -> Statistics:
    """Compute all statistics of the images of a list, with progress lines.

    Args:
        listed: The images and files.
        workers: Processes beside this one.
    """
    maps = listed.made_by(MAP_STAGES) if listed.has_masks else []
    labels = listed.made_by(LABEL_STAGES)
    with Pool(workers, torch.set_num_threads, (1,)) if workers > 0 else nullcontext() as pool:
        apply = partial(pool.imap, chunksize=8) if pool else map
        return Statistics(
            {name: _map_statistics(listed, name, apply) for name in maps},
            {name: _label_statistics(listed, name, apply) for name in labels},
        )


def _over_images(function: Callable, listed: ImageList, stage: str, apply: Callable) -> Iterator:
    """What the function gives for a stage, the number of classes and each image, in order."""
    progress = Progress(f'statistics of {stage}')
    results = apply(partial(function, stage, len(listed.classes)), listed.images)
    for number, result in enumerate(results, 1):
        progress.step(number, len(listed.images))
        yield result


def _map_statistics(listed: ImageList, stage: str, apply: Callable) -> MapStatistics:
    on_objects, everywhere = np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64)
    objects: list[np.ndarray] = []
    totals = MapTotals.empty(len(listed.classes))
    for counts, on_object, anywhere in _over_images(_count_maps, listed, stage, apply):
        totals.add(counts)
        on_objects += on_object
        everywhere += anywhere
        objects.append(object_rows(counts))
    precision, recall = precision_recall(on_objects, everywhere)
    return MapStatistics(
        miou=totals.scores(THRESHOLD).curve,
        precision=100 * precision,
        recall=100 * recall,
        sizes=size_groups(np.concatenate(objects)),
    )


def _count_maps(
    stage: str, num_classes: int, image: ListedImage
) -> tuple[MapCounts, np.ndarray, np.ndarray]:
    """The counts of the maps of one image, and their histograms by level."""
    actual = read_label(image.mask)
    stored = read_maps(image.files[stage])
    maps = resize_array(stored.floats(), actual.shape)
    counts = count_maps(maps, stored.labels, actual, num_classes, THRESHOLD)
    return counts, *level_histograms(maps, stored.labels, actual)


def _label_statistics(listed: ImageList, stage: str, apply: Callable) -> LabelStatistics:
    counted = list(_over_images(_count_label, listed, stage, apply))
    matrices = [matrix for _, _, matrix in counted]
    classes = len(listed.classes)
    return LabelStatistics(
        ignored=sum(item[0] for item in counted) / max(sum(item[1] for item in counted), 1),
        confusion=sum(
            (matrix for matrix in matrices if matrix is not None),
            np.zeros((classes, classes + 1), np.int64),
        ),
        scores=np.array([np.nan if m is None else label_counts(m).miou() for m in matrices]),
        unfit=sum(m is None for m in matrices) if any(i.mask for i in listed.images) else 0,
    )


def _count_label(
    stage: str, num_classes: int, image: ListedImage
) -> tuple[int, int, np.ndarray | None]:
    """Ignored and all pixels of one label, and its confusion matrix; None without a fitting mask.

    The released evaluation resizes and crops images: such predictions fit no mask.
    """
    label = read_label(image.files[stage])
    ignored = int((label == IGNORED).sum())
    actual = None if image.mask is None else read_label(image.mask)
    if actual is None or actual.shape != label.shape:
        return ignored, label.size, None
    for values, path in ((label, image.files[stage]), (actual, image.mask)):
        highest = int(values[values != IGNORED].max(initial=0))
        if highest >= num_classes:
            raise InputError(f'{path} holds {highest}, but there are {num_classes} classes')
    return ignored, label.size, confusion_matrix(label, actual, num_classes)
