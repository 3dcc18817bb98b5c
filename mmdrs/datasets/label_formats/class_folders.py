"""Image-level labels from one folder of images per class."""

import filecmp
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    NamedLabels,
    ReadOptions,
    Source,
    from_names,
)
from mmdrs.datasets.label_formats.layout import is_data_folder, is_image_folder, is_split
from mmdrs.datasets.label_lists import ImageLabels, named, unknown_class
from mmdrs.errors import InputError, MissingFileError


def read_class_folders(
    root: str | os.PathLike[str], classes: Sequence[str], suffixes: Sequence[str] = ('.jpg',)
) -> list[ImageLabels]:
    """Read image-level labels from a folder that holds one folder of images per class.

    An image that is in several class folders, under the same name, has all these labels.

    Args:
        root: The folder of the class folders.
        classes: Foreground class names, without background; each needs its folder.
        suffixes: Endings of image files, in any case.

    Returns:
        One record per image, sorted by id; ``path`` is that of its first class folder.

    Raises:
        MissingFileError: If the folder or a class folder is missing.
        InputError: For a folder that is no class, different images under one name, or no image.
    """
    root = Path(root)
    _check_class_folders(root, classes)
    endings = tuple(suffix.lower() for suffix in suffixes)
    found: dict[str, tuple[Path, list[int]]] = {}
    for label, name in enumerate(classes):
        files = (file for file in (root / name).iterdir() if file.name.lower().endswith(endings))
        for file in sorted(files):
            first, labels = found.setdefault(file.stem, (file, []))
            # Numbered files ('cat/001.jpg', 'dog/001.jpg') would merge two images into one.
            if first != file and not _same_image(first, file):
                raise InputError(
                    f'{first} and {file} have one name but are different images; rename one of '
                    'them (an image of several classes is the same file in several folders), or '
                    'write a list of them with mmdrs labels'
                )
            labels.append(label)
    if not found:
        raise InputError(f'{root}: no image ending in {named(suffixes)} in its class folders')
    return [
        ImageLabels(name, tuple(labels), file.relative_to(root).as_posix())
        for name, (file, labels) in sorted(found.items())
    ]


def _check_class_folders(root: Path, classes: Sequence[str]) -> None:
    if not root.is_dir():
        raise MissingFileError(f'{root}: no such folder; it must hold one folder per class')
    folders = {p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith('.')}
    for name in sorted(folders - set(classes)):
        raise InputError(f'{root / name}: {unknown_class(name, classes)}')
    for name in classes:
        if name not in folders:
            raise MissingFileError(
                f"{root}: no folder for class '{name}'; make an empty one if it has no images"
            )


def _same_image(first: Path, second: Path) -> bool:
    return first.name == second.name and filecmp.cmp(first, second, shallow=False)


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    names = sorted({place.label for name in source.images if (place := _place(name))})
    return f'{len(names)} folders of images: {named(names, 5)}' if names else ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the folders as classes, also below folders such as ``train`` and ``val``.

    The id is the path of the image, so that ``cat/001.jpg`` and ``dog/001.jpg`` may be different
    images. Where they are the same, byte by byte, they are one image of both classes. A class
    folder may have subfolders. Images in no class folder are left out.
    """
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for path in source.images:
        if place := _place(path):
            groups.setdefault((place.head, place.file), []).append((path, place.label))
    rows = [row for same in groups.values() for row in _images(source, same)]
    return from_names(sorted(rows, key=lambda row: row.id), options.classes)


def _images(source: Source, paths: Iterable[tuple[str, str]]) -> list[NamedLabels]:
    """The different images of one name in several class folders."""
    by_size: dict[int, list[NamedLabels]] = {}
    for path, label in paths:
        full = source.full(path)
        images = by_size.setdefault(full.stat().st_size, [])
        for image in images:
            if _same_image(source.full(image.id), full):
                image.names.append(label)
                break
        else:
            images.append(NamedLabels(path, [label], str(full)))
    return [image for images in by_size.values() for image in images]


class _Place(NamedTuple):
    """The parts of a path: folders such as ``train/images``, the class, and the file below it."""

    head: str
    label: str
    file: str


def _place(path: str) -> _Place | None:
    """The place of an image; None where it is in no class folder."""
    parts = PurePosixPath(path).parts
    start = 0
    while start < len(parts) - 1 and (is_split(parts[start]) or is_image_folder(parts[start])):
        start += 1
    label, *rest = parts[start:]
    if not rest or is_data_folder(label):
        return None
    return _Place('/'.join(parts[:start]), label, '/'.join(rest))
