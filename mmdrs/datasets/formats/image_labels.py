"""Image-level label lists of VOC 2012 from masks, boxes, or other lists."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from mmdrs.datasets.file_checks import check_exist
from mmdrs.datasets.formats import voc
from mmdrs.datasets.formats.label_lists import ImageLabels, read_label_list
from mmdrs.datasets.formats.npy_labels import read_npy_labels
from mmdrs.errors import InputError, first_lines
from mmdrs.files import written_whole
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.reading import reading

#: Called with the number of images that are done, and of all.
Step = Callable[[int, int], None]


def labels_from_masks(
    voc_root: str | os.PathLike, ids: Sequence[str], step: Step = lambda done, total: None
) -> list[ImageLabels]:
    """Take the classes that have a pixel in ``SegmentationClassAug/<id>.png``.

    Args:
        voc_root: The folder ``VOC2012``.
        ids: Image ids.
        step: Reports the progress.

    Returns:
        One record per id, in their order.

    Raises:
        MissingFileError: If masks are missing; names the first and counts them.
        InputError: If a mask cannot be read, or holds another value than 0..20 and 255.
    """

    def labels(path: Path) -> list[int]:
        values = voc.mask_values(voc.read_mask(path, str(path)), str(path))
        return [value - 1 for value in values if value not in (0, IGNORE_LABEL)]

    paths = [Path(voc_root) / voc.AUG_MASKS / f'{name}.png' for name in ids]
    hint = 'Make them with tools/dataset_converters/voc12_aug.py.'
    return _labels_of_files(ids, paths, hint, labels, step)


def labels_from_xml(
    voc_root: str | os.PathLike,
    ids: Sequence[str],
    skip_difficult: bool = False,
    step: Step = lambda done, total: None,
) -> list[ImageLabels]:
    """Take the classes of the objects in ``Annotations/<id>.xml``.

    As :func:`labels_from_masks`; ``skip_difficult`` leaves out objects marked as difficult. An
    unknown class is an InputError as well.
    """

    def labels(path: Path) -> list[int]:
        with reading(path, 'annotation'):
            objects = ElementTree.parse(path).getroot().findall('object')
        found = []
        for item in objects:
            name = (item.findtext('name') or '').strip()
            if name not in voc.VOC_CLASSES[1:]:
                raise InputError(f'{path}: unknown class {name!r}; expected the 20 of VOC')
            if not (skip_difficult and (item.findtext('difficult') or '').strip() == '1'):
                found.append(voc.VOC_CLASSES.index(name) - 1)
        return found

    paths = [Path(voc_root) / voc.ANNOTATIONS / f'{name}.xml' for name in ids]
    hint = 'They are in VOCtrainval_11-May-2012.tar.'
    return _labels_of_files(ids, paths, hint, labels, step)


def labels_from_list(path: str | os.PathLike, ids: Sequence[str]) -> list[ImageLabels]:
    """Take the labels of the images in ``ids``, in their order, from a list.

    Args:
        path: A ``.txt`` or ``.csv`` as :func:`read_label_list` reads it, or a ``.npy`` dict as
            other repositories ship it, see :func:`read_npy_labels`.
        ids: Image ids; others of the list are left out.

    Raises:
        MissingFileError: If there is no such list.
        InputError: If it cannot be read, or lacks an id; names the first and counts them.
    """
    classes = voc.VOC_CLASSES[1:]
    if Path(path).suffix.lower() == '.npy':
        known = read_npy_labels(path, len(classes))
    else:
        known = {image.id: image.labels for image in read_label_list(path, classes)}
    missing = [name for name in ids if name not in known]
    if missing:
        raise InputError(
            f'{path}: lacks {len(missing)} of {len(ids)} ids:\n{first_lines(missing)}'
        )
    return [ImageLabels(name, known[name]) for name in ids]


def write_label_list(path: str | os.PathLike, images: Sequence[ImageLabels]) -> None:
    """Write lines ``2007_000032 0 14``: an id and its 0-based foreground classes.

    Raises:
        InputError: If an id has a space in it or starts with '#', or no image has a label: such
            a list could not be read again.
    """
    for image in images:
        if image.id.split() != [image.id] or image.id.startswith('#'):
            raise InputError(
                f'{path}: {image.id!r} cannot be an id of a list; ids are words that do not start '
                "with '#'"
            )
    if not any(image.labels for image in images):
        raise InputError(f'{path}: none of its {len(images)} images has a label')
    lines = (' '.join([image.id, *map(str, image.labels)]) for image in images)
    with written_whole(path) as temporary:
        temporary.write_text(''.join(f'{line}\n' for line in lines), encoding='utf-8')


def _labels_of_files(
    ids: Sequence[str],
    paths: Sequence[Path],
    hint: str,
    labels: Callable[[Path], list[int]],
    step: Step,
) -> list[ImageLabels]:
    folder = str(paths[0].parent) if paths else ''
    check_exist({folder: [str(path) for path in paths]}, {folder: hint})
    images = []
    for name, path in zip(ids, paths, strict=True):
        images.append(ImageLabels(name, tuple(sorted(set(labels(path))))))
        step(len(images), len(paths))
    return images
