"""The figures of the report: one pass over the images for each stage."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.evaluation.functional.scores import LEVELS, MapCounts, count_maps, score_maps
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.reporting.report.samples import LABEL_STAGES, MAP_STAGES, Sample, Split
from mmdrs.reporting.report.statistics import (
    IGNORED,
    SizeGroup,
    confusion_matrix,
    label_counts,
    level_histograms,
    object_rows,
    precision_recall,
    size_groups,
)

#: The fixed threshold of the pipeline's table, and the one above which a map covers a pixel.
THRESHOLD = 0.2


@dataclass(frozen=True)
class MapFigures:
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
class LabelFigures:
    """Labels or predictions.

    Attributes:
        ignored: Share of all their pixels that is 255, 0..1.
        confusion: Summed :func:`.confusion_matrix`; None where no mask fits.
        scores: mIoU of each image in percent (N,); NaN without ground truth.
        unfit: How many are of another size than their mask; they do not count.
    """

    ignored: float
    confusion: np.ndarray | None
    scores: np.ndarray
    unfit: int


@dataclass(frozen=True)
class Figures:
    """All figures, by name of the stage.

    Attributes:
        maps: Of the stages that make maps; none without ground truth.
        labels: Of the pseudo labels and the prediction.
    """

    maps: dict[str, MapFigures] = field(default_factory=dict)
    labels: dict[str, LabelFigures] = field(default_factory=dict)

    def ranking(self, count: int) -> tuple[str | None, np.ndarray]:
        """What images are ranked by.

        Args:
            count: Number of images.

        Returns:
            The stage whose scores they are, the last one that has any; and the scores (N,), in
            percent, NaN without ground truth.
        """
        for name in reversed(LABEL_STAGES):
            if name in self.labels and np.isfinite(self.labels[name].scores).any():
                return name, self.labels[name].scores
        return None, np.full(count, np.nan)


def compute_figures(split: Split, workers: int = 0) -> Figures:
    """Compute all figures of the images of a list, with a line on the progress now and then.

    Args:
        split: The images and files.
        workers: Processes beside this one.
    """
    maps = split.made_by(list(MAP_STAGES)) if split.has_masks else []
    labels = split.made_by(list(LABEL_STAGES))
    passes = _Passes(split.samples, workers, len(maps) + len(labels))
    classes = len(split.classes)
    return Figures(
        {name: _map_figures(passes, name, classes) for name in maps},
        {name: _label_figures(passes, name, classes) for name in labels},
    )


class _Calls(Dataset):
    """Item i is a function of sample i. A DataLoader over it is a pool of processes, in order."""

    def __init__(self, function: Callable[[Sample], Any], samples: Sequence[Sample]) -> None:
        self.function = function
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.function(self.samples[index])


class _Passes:
    """Several passes over the same images with one progress."""

    def __init__(self, samples: Sequence[Sample], workers: int, count: int) -> None:
        self.samples = samples
        self.workers = workers
        self.total = count * len(samples)
        self.done = 0
        self.progress = Progress('figures')

    def over(self, function: Callable[[Sample], Any]) -> Iterator[Any]:
        """What the function gives for each image, in order."""
        calls = _Calls(function, self.samples)
        loader = DataLoader(
            calls,
            batch_size=None,
            num_workers=self.workers,
            collate_fn=_unchanged,
            worker_init_fn=_one_thread,
        )
        for result in loader:
            self.done += 1
            self.progress.step(self.done, self.total)
            yield result


def _unchanged(result: Any) -> Any:
    """In place of the loader's own function, which makes tensors of arrays."""
    return result


def _one_thread(worker: int) -> None:
    torch.set_num_threads(1)


def _map_figures(passes: _Passes, stage: str, num_classes: int) -> MapFigures:
    on_objects, everywhere = np.zeros(LEVELS, np.int64), np.zeros(LEVELS, np.int64)
    objects: list[np.ndarray] = []

    def counts() -> Iterator[MapCounts]:
        # Everything else is summed while the scores are: the counts of many images take much room.
        for count, on_object, anywhere in passes.over(partial(_count_maps, stage, num_classes)):
            np.add(on_objects, on_object, out=on_objects)
            np.add(everywhere, anywhere, out=everywhere)
            objects.append(object_rows(count))
            yield count

    miou = score_maps(counts(), num_classes, THRESHOLD).curve
    precision, recall = precision_recall(on_objects, everywhere)
    return MapFigures(miou, 100 * precision, 100 * recall, size_groups(np.concatenate(objects)))


def _count_maps(
    stage: str, num_classes: int, sample: Sample
) -> tuple[MapCounts, np.ndarray, np.ndarray]:
    """The counts of the maps of one image, and their histograms by level."""
    actual = read_label(sample.mask)
    stored = read_maps(sample.files[stage])
    maps = resize_array(stored.floats(), actual.shape)
    counts = count_maps(maps, stored.labels, actual, num_classes, THRESHOLD)
    return counts, *level_histograms(maps, stored.labels, actual)


def _label_figures(passes: _Passes, stage: str, num_classes: int) -> LabelFigures:
    ignored = pixels = unfit = 0
    total = np.zeros((num_classes, num_classes + 1), np.int64)
    scores = []
    for image_ignored, image_pixels, matrix in passes.over(
        partial(_count_label, stage, num_classes)
    ):
        ignored += image_ignored
        pixels += image_pixels
        unfit += matrix is None
        if matrix is not None:
            total += matrix
        scores.append(np.nan if matrix is None else label_counts(matrix).miou())
    masks = any(sample.mask for sample in passes.samples)
    return LabelFigures(
        ignored / max(pixels, 1),
        total if total.any() else None,
        np.array(scores, float),
        unfit if masks else 0,
    )


def _count_label(
    stage: str, num_classes: int, sample: Sample
) -> tuple[int, int, np.ndarray | None]:
    """Ignored and all pixels of one label, and its confusion matrix; None without a fitting mask.

    The released evaluation resizes and crops images: such predictions fit no mask.
    """
    label = read_label(sample.files[stage])
    ignored = int((label == IGNORED).sum())
    if sample.mask is None:
        return ignored, label.size, None
    actual = read_label(sample.mask)
    if actual.shape != label.shape:
        return ignored, label.size, None
    for values, path in ((label, sample.files[stage]), (actual, sample.mask)):
        _check_classes(values, num_classes, str(path))
    return ignored, label.size, confusion_matrix(label, actual, num_classes)


def _check_classes(label: np.ndarray, num_classes: int, path: str) -> None:
    highest = int(label[label != IGNORED].max(initial=0))
    if highest >= num_classes:
        raise InputError(f'{path} holds the value {highest}, but there are {num_classes} classes')
