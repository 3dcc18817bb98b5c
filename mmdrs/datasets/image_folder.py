"""The images that a user names by files and folders, each with an id that names its results."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES
from mmdrs.errors import InputError, MissingFileError


def find_images(inputs: Sequence[str | Path], leave_out: Path | None = None) -> dict[str, Path]:
    """The images of files and folders, by id, each image once.

    An id is the path without suffix from the one folder that is given, or from the folder that
    all inputs have in common: images of equal names in several folders keep these.

    Args:
        inputs: Image files, and folders whose images are taken with those of their folders;
            hidden ones do not count.
        leave_out: A folder of results, whose pictures are none of the images.

    Raises:
        MissingFileError: If an input does not exist.
        InputError: If there are no images, or two that differ in their suffix only, or the folder
            of results is one of the inputs.
    """
    paths = [Path(os.path.abspath(path)) for path in inputs]
    results = None if leave_out is None else os.path.realpath(leave_out)
    files: dict[str, Path] = {}  # by the real path
    for given, path in zip(inputs, paths, strict=True):
        if not path.exists():
            raise MissingFileError(f'there is no image or folder {given}')
        if path.is_dir() and os.path.realpath(path) == results:
            raise InputError(
                f'results in the folder of images {given} would be taken for images; give another '
                'folder of results, which may be below it'
            )
        for file in _images_of(path, results) if path.is_dir() else [path]:
            files.setdefault(os.path.realpath(file), file)
    if not files:
        named = ', '.join(map(str, inputs))
        raise InputError(f'no images in {named}; they end in {" ".join(IMAGE_SUFFIXES)}')
    root = os.path.commonpath([path if path.is_dir() else path.parent for path in paths])
    found: dict[str, Path] = {}
    for file in files.values():
        name = file.relative_to(root).with_suffix('').as_posix()
        if name in found:
            raise InputError(
                f'the results of {found[name]} and {file} would be one file, {name}; rename one '
                'image, or give them in separate calls with another folder of results'
            )
        found[name] = file
    return found


def _images_of(folder: Path, results: str | None) -> list[Path]:
    """The images below a folder, in order; hidden ones and those of the results left out."""
    found: list[Path] = []
    # Links are followed, but no folder is entered twice: a link may lead to a folder above it.
    entered = {os.path.realpath(folder), results}
    for parent, folders, names in os.walk(folder, followlinks=True):
        shown = sorted(name for name in folders if not name.startswith('.'))
        folders.clear()
        for name in shown:
            real = os.path.realpath(os.path.join(parent, name))
            if real not in entered:
                entered.add(real)
                folders.append(name)
        files = [Path(parent, name) for name in sorted(names) if not name.startswith('.')]
        found += [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
    return found
