"""Image-level labels from one folder of images per class."""

import filecmp
import os
from collections.abc import Sequence
from pathlib import Path

from mmdrs.datasets.label_lists import ImageLabels, named, unknown_class
from mmdrs.errors import InputError, MissingFileError


def read_class_folders(
    root: str | os.PathLike, classes: Sequence[str], suffixes: Sequence[str] = ('.jpg',)
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
            if first != file and not (
                first.name == file.name and filecmp.cmp(first, file, shallow=False)
            ):
                raise InputError(
                    f'{first} and {file} have one name but are different images; rename one of '
                    'them (an image of several classes is the same file in several folders)'
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
