"""The images that a user names by files and folders, each with an id that names its results."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmdrs.errors import InputError, MissingFileError

#: Suffixes of the images that are taken from folders, in any case.
SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


def find_images(inputs: Sequence[str | Path], leave_out: Path | None = None) -> dict[str, Path]:
    """The images of files and folders, by id, each image once.

    An id is the path without suffix from the one folder that is given, or from the folder that
    all inputs have in common: images of equal names in several folders keep these.

    Args:
        inputs: Image files, and folders whose images are taken with those of their folders.
        leave_out: A folder of results, whose pictures are none of the images.

    Raises:
        MissingFileError: If an input does not exist.
        InputError: If there are no images, or two that differ in their suffix only.
    """
    paths = [Path(os.path.abspath(path)) for path in inputs]
    files: dict[str, Path] = {}  # by the real path
    for given, path in zip(inputs, paths, strict=True):
        if not path.exists():
            raise MissingFileError(f'there is no image or folder {given}')
        for file in _images_of(path, leave_out) if path.is_dir() else [path]:
            files.setdefault(os.path.realpath(file), file)
    if not files:
        named = ', '.join(map(str, inputs))
        raise InputError(f'no images in {named}; they end in {" ".join(SUFFIXES)}')
    root = os.path.commonpath([path if path.is_dir() else path.parent for path in paths])
    found: dict[str, Path] = {}
    for file in files.values():
        name = file.relative_to(root).with_suffix('').as_posix()
        if name in found:
            raise InputError(
                f'the results of {found[name]} and {file} would be one file, {name}; rename one '
                'image, or give them in separate calls with another --out'
            )
        found[name] = file
    return found


def _images_of(folder: Path, leave_out: Path | None) -> list[Path]:
    """The images below a folder, in order; hidden ones and those of the results left out."""
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith('.')
            and (leave_out is None or not _same(Path(parent, name), leave_out))
        )
        files = [Path(parent, name) for name in sorted(names) if not name.startswith('.')]
        found += [file for file in files if file.suffix.lower() in SUFFIXES]
    return found


def _same(path: Path, other: Path) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)
