"""Statistics of what the stages have made: one pass over the images."""

from functools import partial
from typing import NamedTuple, cast

import numpy as np

from mmdrs.apis.pool import ordered_map
from mmdrs.engine import Progress
from mmdrs.errors import InputError, naming
from mmdrs.evaluation.functional.scores import LabelCounts, MapCounts, count_maps
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.constants import IGNORE_LABEL, MAP_THRESHOLD
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.reporting.report.counting import (
    SizeGroup,
    confusion_matrix,
    label_counts,
    level_histograms,
    object_rows,
    precision_recall,
    size_groups,
)
from mmdrs.reporting.report.listed_images import LABEL_STAGES, MAP_STAGES, ImageList, ListedImage

_Confusion = np.ndarray | None


class MapStatistics:
    """The maps of one stage against ground truth."""

    def __init__(self) -> None:
        self._counts: MapCounts | None = None
        self._histograms: np.ndarray | int = 0
        self._objects: list[np.ndarray] = []

    def add(self, counts: MapCounts, histograms: np.ndarray) -> None:
        """Add one image: its counts and its :func:`.level_histograms`."""
        self._counts = counts if self._counts is None else self._counts + counts
        self._histograms = self._histograms + histograms
        self._objects.append(object_rows(counts))

    def curves(self) -> dict[str, np.ndarray]:
        """``miou``, ``precision`` and ``recall`` by threshold level, (256,), in percent."""
        precision, recall = precision_recall(*np.asarray(self._histograms))
        miou = cast(MapCounts, self._counts).scores(MAP_THRESHOLD).curve
        return dict(miou=miou, precision=100 * precision, recall=100 * recall)

    def sizes(self) -> list[SizeGroup]:
        """Coverage and over-activation by size of the objects."""
        return size_groups(np.concatenate(self._objects))


class LabelStatistics:
    """Labels or predictions of one stage.

    Attributes:
        confusion: Summed :func:`.confusion_matrix`; zero where no mask fits.
        scores: mIoU of each image in percent; NaN without a fitting mask.
        unfit: How many are of another size than their mask; they do not count.
    """

    def __init__(self, num_classes: int) -> None:
        self.confusion = np.zeros((num_classes, num_classes + 1), np.int64)
        self.scores: list[float] = []
        self.unfit = 0
        self._pixels = self._ignored = 0

    def add(self, image: ListedImage, pixels: int, ignored: int, confusion: _Confusion) -> None:
        """Add one image: its pixels, those that are 255, and the matrix if a mask fits."""
        self._pixels += pixels
        self._ignored += ignored
        if confusion is None:
            self.unfit += image.mask is not None
            self.scores.append(np.nan)
        else:
            self.confusion += confusion
            self.scores.append(label_counts(confusion).miou())

    @property
    def ignored(self) -> float:
        """Share of all pixels that is 255, 0..1."""
        return self._ignored / max(self._pixels, 1)

    @property
    def counts(self) -> LabelCounts:
        """The counts of the pipeline's scores."""
        return label_counts(self.confusion)


class Statistics(NamedTuple):
    """All statistics, by name of the stage; ``maps`` is empty without ground truth."""

    maps: dict[str, MapStatistics]
    labels: dict[str, LabelStatistics]

    @property
    def scored(self) -> dict[str, LabelStatistics]:
        """The labels that have ground truth."""
        return {name: found for name, found in self.labels.items() if found.confusion.any()}


def compute_statistics(listed: ImageList, workers: int = 0) -> Statistics:
    """Compute all statistics of the images of a list, with progress lines.

    Raises:
        InputError: If a file is damaged, or a label holds a class that there is not.
    """
    num_classes = len(listed.classes)
    maps = listed.made_by(MAP_STAGES) if listed.has_masks else []
    statistics = Statistics(
        {name: MapStatistics() for name in maps},
        {name: LabelStatistics(num_classes) for name in listed.made_by(LABEL_STAGES)},
    )
    count = partial(_count_image, maps, list(statistics.labels), num_classes)
    progress = Progress('statistics')
    images = listed.images if maps or statistics.labels else []  # masks need not be there
    counted = ordered_map(count, images, workers, chunk=8)
    for number, (image, (of_maps, of_labels)) in enumerate(zip(images, counted, strict=True), 1):
        for found, counts in zip(statistics.maps.values(), of_maps, strict=True):
            found.add(*counts)
        for found, counts in zip(statistics.labels.values(), of_labels, strict=True):
            found.add(image, *counts)
        progress.step(number, len(images))
    return statistics


def _count_image(
    maps: list[str], labels: list[str], num_classes: int, image: ListedImage
) -> tuple[list[tuple[MapCounts, np.ndarray]], list[tuple[int, int, _Confusion]]]:
    """The counts of one image's maps and labels, a list entry for each stage."""
    actual = None if image.mask is None else read_label(image.mask)
    if actual is not None:
        _check_classes(image.mask, actual, num_classes)
    of_maps = []
    for stage in maps:
        truth = cast(np.ndarray, actual)  # there are maps only where all images have masks
        stored = read_maps(image.files[stage])
        resized = resize_array(stored.floats(), truth.shape)
        with naming(image.files[stage]):
            counts = count_maps(resized, stored.labels, truth, num_classes, MAP_THRESHOLD)
        of_maps.append((counts, level_histograms(resized, stored.labels, truth)))
    return of_maps, [_count_label(image, stage, actual, num_classes) for stage in labels]


def _count_label(
    image: ListedImage, stage: str, actual: np.ndarray | None, num_classes: int
) -> tuple[int, int, _Confusion]:
    label = read_label(image.files[stage])
    ignored = int((label == IGNORE_LABEL).sum())
    # The released evaluation resizes and crops images: such predictions fit no mask.
    if actual is None or actual.shape != label.shape:
        return label.size, ignored, None
    _check_classes(image.files[stage], label, num_classes)
    return label.size, ignored, confusion_matrix(label, actual, num_classes)


def _check_classes(path: object, label: np.ndarray, num_classes: int) -> None:
    highest = int(label[label != IGNORE_LABEL].max(initial=0))
    if highest >= num_classes:
        raise InputError(f'{path} holds {highest}, but there are {num_classes} classes')
