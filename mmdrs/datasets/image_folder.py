"""The images of a folder, without a list."""

import os
from pathlib import Path

from mmdrs.errors import InputError, MissingFileError

#: Endings of image files, in any case.
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


def images_below(folder: str | os.PathLike) -> dict[str, Path]:
    """The image files in a folder and its folders, by image id, in the order of the ids.

    The id is the path below the folder without the ending. Hidden files and folders do not count.

    Raises:
        MissingFileError: If there is no such folder.
        InputError: If it holds no image, or two of one id.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f'there is no folder of images {folder}')
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob('*')):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() not in IMAGE_SUFFIXES or any(p.startswith('.') for p in parts):
            continue
        name = Path(*parts).with_suffix('').as_posix()
        if name in found:
            raise InputError(f'{found[name]} and {path} have one name: rename one of them')
        found[name] = path
    if not found:
        raise InputError(f'{folder} holds no image ({", ".join(IMAGE_SUFFIXES)})')
    return found
