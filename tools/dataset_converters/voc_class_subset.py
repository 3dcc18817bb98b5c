"""A data set of a few classes of VOC: the images whose masks hold nothing else."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from voc_layout import AUG_MASKS, MASKS, VOC_CLASSES, mask_values

from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError, did_you_mean
from mmdrs.files import remove_temporary
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.label_file import (
    is_foreign_label,
    read_label,
    read_label_record,
    write_label,
)
from mmdrs.pseudo_labels.output_paths import output_path
from mmdrs.pseudo_labels.palette import voc_palette

_Item = TypeVar('_Item')


@dataclass(frozen=True)
class ClassSubset:
    """Some classes of VOC, numbered in their own order.

    Attributes:
        name: Part of the names of lists and of the folder of masks.
        classes: Names of the classes, without background.

    Raises:
        InputError: If a class is unknown or named twice; names a close one.
    """

    name: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in self.classes:
            if name not in VOC_CLASSES[1:]:
                hint = did_you_mean(name, VOC_CLASSES[1:])
                raise InputError(f'VOC has no class {name!r}, only the 20 of its masks{hint}')
            if self.classes.count(name) > 1:
                raise InputError(f'the class {name!r} is named twice; name each class once')

    @property
    def voc_labels(self) -> tuple[int, ...]:
        """The 0-based foreground class in VOC of each class."""
        return tuple(VOC_CLASSES.index(name) - 1 for name in self.classes)

    @property
    def record(self) -> dict[str, Any]:
        """What the masks of this subset say of themselves."""
        return dict(kind='class subset', classes=list(self.classes))

    def covers(self, image: ImageLabels) -> bool:
        """Whether the labels of an image, numbered as in VOC, are all of the subset."""
        return set(image.labels) <= set(self.voc_labels)

    def renumbered(self, image: ImageLabels) -> ImageLabels:
        """An image that the subset covers, its labels 0-based in the order of ``classes``."""
        labels = sorted(self.voc_labels.index(label) for label in image.labels)
        return replace(image, labels=tuple(labels))

    def renumbered_mask(self, mask: np.ndarray, where: str) -> np.ndarray:
        """A mask uint8 (H, W) of VOC with the classes as 1..n; 0 and 255 stay.

        Raises:
            InputError: If it holds another class; begins with ``where``.
        """
        table = np.arange(256, dtype=np.uint8)
        own = [label + 1 for label in self.voc_labels]
        for value in mask_values(mask, where):
            if value not in (0, IGNORE_LABEL, *own):
                raise InputError(f"{where}: holds the class '{VOC_CLASSES[value]}' as well")
        table[own] = range(1, len(own) + 1)
        return table[mask]


def images_of_subset(images: Sequence[ImageLabels], subset: ClassSubset) -> list[ImageLabels]:
    """The images that have classes of the subset and no other, labels as in VOC."""
    return [image for image in images if image.labels and subset.covers(image)]


def evenly_spaced(items: Sequence[_Item], count: int) -> list[_Item]:
    """``count`` of the items (all, if there are fewer), evenly spaced, in their order.

    Number i, counted from 1, of R is kept if floor(i * count / R) > floor((i - 1) * count / R).
    """
    total, count = len(items), min(count, len(items))
    return [
        item for i, item in enumerate(items, 1) if i * count // total > (i - 1) * count // total
    ]


def sample_images(
    images: Sequence[ImageLabels], count: int, preferred: Collection[str] = ()
) -> list[ImageLabels]:
    """Take ``count`` of the images, in their order.

    Images with a preferred id are taken before others. Of either kind, where not all are taken,
    those that are taken are evenly spaced, see :func:`evenly_spaced`.

    Raises:
        InputError: If there are fewer images.
    """
    if len(images) < count:
        raise InputError(f'there are only {len(images)} images, so not a sample of {count}')
    first = [image.id for image in images if image.id in preferred]
    others = [image.id for image in images if image.id not in preferred]
    first = evenly_spaced(first, count)
    taken = {*first, *evenly_spaced(others, count - len(first))}
    return [image for image in images if image.id in taken]


def masks_folder(root: Path, subset: ClassSubset) -> Path:
    """Where the masks of a subset are written, below the folder of VOC or another one."""
    return root / f'{MASKS}_{subset.name}'


def write_masks(
    voc_root: Path,
    folder: Path,
    ids: Sequence[str],
    subset: ClassSubset,
    step: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write the masks of ``SegmentationClassAug`` with the numbers of a subset, as palette PNGs.

    A mask that is there already and equal is left as it is.

    Args:
        voc_root: The folder ``VOC2012``.
        folder: The folder to write them into, as ``<id>.png``.
        ids: Ids of images of the subset.
        subset: The classes.
        step: Reports the progress.

    Returns:
        How many were written.

    Raises:
        InputError: Before any is written, if a file in the folder was not made by this tool, or
            of other classes. If a mask cannot be read, or holds another class.
    """
    targets = [output_path(folder, name, '.png') for name in ids]
    _check_folder(folder, subset)
    remove_temporary(folder)
    written = 0
    for done, (name, target) in enumerate(zip(ids, targets, strict=True), 1):
        source = voc_root / AUG_MASKS / f'{name}.png'
        mask = subset.renumbered_mask(read_label(source), str(source))
        if not _holds(target, mask, subset):
            write_label(target, mask, voc_palette(1 + len(subset.classes)), subset.record)
            written += 1
        step(done, len(targets))
    return written


def _check_folder(folder: Path, subset: ClassSubset) -> None:
    for path in sorted(folder.rglob('*.png')):
        if is_foreign_label(path):
            raise InputError(
                f'{path} is there and was not made by this tool; choose another --subset or '
                '--out-dir, or move the files away'
            )
        found = read_label_record(path)
        if found not in (None, subset.record):
            classes = ' '.join(map(str, found.get('classes', []))) or 'something else'
            raise InputError(
                f'{path} was made of {classes}, not of {" ".join(subset.classes)}; choose another '
                f'--subset, or move the folder {path.parent} away'
            )


def _holds(path: Path, mask: np.ndarray, subset: ClassSubset) -> bool:
    """Whether a file is there whole, of the same classes and with the same values."""
    if not path.exists() or read_label_record(path) != subset.record:
        return False
    return np.array_equal(read_label(path), mask)
