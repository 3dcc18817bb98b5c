"""Image-level label lists of VOC 2012, from masks, from boxes, or from a list of others."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from mmdrs.datasets.formats.label_lists import ImageLabels, read_label_list
from mmdrs.datasets.formats.npy_labels import read_npy_labels
from mmdrs.datasets.formats.voc import (
    ANNOTATIONS,
    AUG_MASKS,
    IGNORED,
    VOC_CLASSES,
    mask_values,
    read_mask,
)
from mmdrs.datasets.saliency_check import listed
from mmdrs.errors import InputError, MissingFileError
from mmdrs.files import written_whole

Step = Callable[[int, int], None]
"""Is told how many images are behind, and how many there are."""


@dataclass(frozen=True)
class LabelSummary:
    """What a list of image labels holds.

    Attributes:
        images: Number of images.
        mean_classes: Mean number of classes in an image.
        unlabelled: Ids of the images without any class.
    """

    images: int
    mean_classes: float
    unlabelled: tuple[str, ...]


@dataclass(frozen=True)
class LabelDifference:
    """How two lists differ.

    Attributes:
        common: Number of images in both.
        differ: How many of these have other labels.
        only_one: Number of images in one of the lists only.
    """

    common: int
    differ: int
    only_one: int


def labels_from_masks(
    voc_root: str | os.PathLike, ids: Sequence[str], step: Step = lambda done, total: None
) -> list[ImageLabels]:
    """Take the classes that have a pixel in ``SegmentationClassAug/<id>.png``.

    Args:
        voc_root: The folder ``VOC2012``.
        ids: Image ids.
        step: Is told of the progress.

    Returns:
        One record per id, in their order.

    Raises:
        MissingFileError: If masks are missing; names the first and counts them.
        InputError: If a mask cannot be read, or holds another value than 0..20 and 255.
    """
    folder = Path(voc_root) / AUG_MASKS
    _check_there(folder, ids, '.png', 'make them with tools/dataset_converters/voc12_aug.py')
    images = []
    for name in ids:
        path = folder / f'{name}.png'
        values = mask_values(read_mask(path, str(path)), str(path))
        labels = tuple(value - 1 for value in values if value not in (0, IGNORED))
        images.append(ImageLabels(name, labels))
        step(len(images), len(ids))
    return images


def labels_from_xml(
    voc_root: str | os.PathLike,
    ids: Sequence[str],
    skip_difficult: bool = False,
    step: Step = lambda done, total: None,
) -> list[ImageLabels]:
    """Take the classes of the objects in ``Annotations/<id>.xml``.

    Args:
        voc_root: The folder ``VOC2012``.
        ids: Image ids.
        skip_difficult: Leave out objects marked as difficult.
        step: Is told of the progress.

    Returns:
        One record per id, in their order.

    Raises:
        MissingFileError: If annotations are missing; names the first and counts them.
        InputError: If one cannot be read, or names an unknown class.
    """
    folder = Path(voc_root) / ANNOTATIONS
    _check_there(folder, ids, '.xml', 'they are in VOCtrainval_11-May-2012.tar')
    images = []
    for name in ids:
        labels = _objects(folder / f'{name}.xml', skip_difficult)
        images.append(ImageLabels(name, tuple(sorted(labels))))
        step(len(images), len(ids))
    return images


def labels_from_list(path: str | os.PathLike, ids: Sequence[str]) -> list[ImageLabels]:
    """Take the labels of a list, or of a ``.npy`` dict as other repositories ship it.

    Args:
        path: A ``.txt`` or ``.csv`` as :func:`~mmdrs.datasets.read_label_list` reads it, or a
            ``.npy`` as :func:`read_npy_labels` does.
        ids: Image ids; others of the list are left out.

    Returns:
        One record per id, in their order.

    Raises:
        MissingFileError: If there is no such list.
        InputError: If it cannot be read, or lacks an id; names the first and counts them.
    """
    classes = VOC_CLASSES[1:]
    if Path(path).suffix.lower() == '.npy':
        known = read_npy_labels(path, len(classes))
    else:
        known = {image.id: image.labels for image in read_label_list(path, classes)}
    missing = [name for name in ids if name not in known]
    if missing:
        raise InputError(f'{path}: lacks {len(missing)} of {len(ids)} ids:\n{listed(missing)}')
    return [ImageLabels(name, known[name]) for name in ids]


def write_label_list(path: str | os.PathLike, images: Sequence[ImageLabels]) -> None:
    """Write lines ``2007_000032 0 14``: an id and its 0-based foreground classes.

    Raises:
        InputError: If an id has a space in it, or no image has a label: such a list could not
            be read again.
    """
    for image in images:
        if image.id.split() != [image.id] or image.id.startswith('#'):
            raise InputError(
                f'{path}: {image.id!r} cannot stand in a list, where ids are words that do not '
                "start with '#'"
            )
    if not any(image.labels for image in images):
        raise InputError(f'{path}: none of its {len(images)} images has a label')
    with written_whole(path) as temporary:
        lines = (' '.join([image.id, *map(str, image.labels)]) for image in images)
        temporary.write_text(''.join(f'{line}\n' for line in lines), encoding='utf-8')


def summarize(images: Sequence[ImageLabels]) -> LabelSummary:
    """Count images and classes; there must be an image."""
    return LabelSummary(
        len(images),
        sum(len(image.labels) for image in images) / len(images),
        tuple(image.id for image in images if not image.labels),
    )


def compare(images: Sequence[ImageLabels], others: Sequence[ImageLabels]) -> LabelDifference:
    """Count the images whose labels differ between two lists."""
    ours = {image.id: image.labels for image in images}
    theirs = {image.id: image.labels for image in others}
    common = ours.keys() & theirs.keys()
    differ = sum(ours[name] != theirs[name] for name in common)
    return LabelDifference(len(common), differ, len(ours.keys() ^ theirs.keys()))


def _check_there(folder: Path, ids: Sequence[str], suffix: str, hint: str) -> None:
    there: Mapping[str, None] = (
        dict.fromkeys(path.name for path in folder.iterdir()) if folder.is_dir() else {}
    )
    missing = [f'{name}{suffix}' for name in ids if f'{name}{suffix}' not in there]
    if missing:
        raise MissingFileError(
            f'{folder}: {len(missing)} of {len(ids)} files are missing; {hint}:\n{listed(missing)}'
        )


def _objects(path: Path, skip_difficult: bool) -> set[int]:
    """The 0-based foreground classes of an annotation."""
    try:
        objects = ElementTree.parse(path).getroot().findall('object')
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f'{path}: not a readable annotation ({error})') from error
    labels = set()
    for item in objects:
        name = (item.findtext('name') or '').strip()
        if name not in VOC_CLASSES[1:]:
            raise InputError(f'{path}: unknown class {name!r}; known are the 20 classes of VOC')
        if not (skip_difficult and (item.findtext('difficult') or '').strip() == '1'):
            labels.add(VOC_CLASSES.index(name) - 1)
    return labels
