"""Files of class-agnostic masks: for each image a folder of PNGs, or one file of COCO's encoding.

``<id>/*.png`` are one mask each, and what is not 0 is the mask. ``<id>.json`` is a list of
annotations, or ``{"annotations": [...]}``, each with ``segmentation: {size, counts}``, as SAM's
generator of masks gives them. Of an image that has both, the file is read.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmdrs.errors import InputError, MissingFileError, naming
from mmdrs.files import digest, file_digest
from mmdrs.pseudo_labels.image_file import open_picture
from mmdrs.pseudo_labels.rle import read_counts, read_size, run_lengths
from mmdrs.pseudo_labels.segments import Segments
from mmdrs.reading import read_json

#: PIL modes of masks; an alpha channel would leave it open what is the mask.
_MODES = ('1', 'L', 'P', 'RGB', 'I', 'I;16', 'I;16L', 'I;16B', 'I;16N')
_WHAT = 'file of masks'
_NONE = 'give an image without any one mask of zeros'
Size = tuple[int, int]


def segments_path(
    folder: str | Path, name: str, exists: Callable[[str], bool] = os.path.exists
) -> str:
    """The file or folder of the masks of an image; that of the file where there is neither.

    Args:
        folder: Folder of the masks of all images.
        name: The image's id.
        exists: Whether a file or folder is there.
    """
    stem = os.path.join(folder, name)
    file = f'{stem}.json'
    return stem if not exists(file) and exists(stem) else file


def read_segments(path: str | Path, size: Size | None = None) -> Segments:
    """Read the masks of an image.

    Args:
        path: Of :func:`segments_path`.
        size: (height, width) that they must have; None takes any.

    Raises:
        MissingFileError: If there is no such file or folder.
        InputError: If it holds no mask, a damaged one, or one of another size; names the file.
    """
    shapes, counts = zip(
        *((shape, lengths()) for shape, lengths in _sized_masks(path, size)), strict=True
    )
    return Segments.of_counts(shapes[0], counts)


def read_segments_size(path: str | Path) -> Size:
    """The (height, width) of the masks of an image, without decoding them.

    Raises:
        MissingFileError, InputError: As :func:`read_segments`, but for what is in the masks.
    """
    return [shape for shape, _ in _sized_masks(path)][0]


def segments_digest(path: str | Path) -> str:
    """SHA-256 of the masks of an image, by the names and contents of their files.

    Raises:
        MissingFileError: If there are none.
        InputError: If the folder holds no PNG.
    """
    if os.path.isdir(path):
        return digest([[file.name, file_digest(file)] for file in _pngs(path)])
    if not os.path.isfile(path):
        raise MissingFileError(f'there is no {_WHAT} {path}')
    return file_digest(path)


def _sized_masks(
    path: str | Path, size: Size | None = None
) -> Iterator[tuple[Size, Callable[[], np.ndarray]]]:
    """Size of each mask, checked, and what reads its run lengths; one mask or more."""
    expected, owner = size, 'its image'
    for where, shape, lengths in _masks(path):
        if expected is None:
            expected, owner = shape, 'the mask before it'
        if shape != tuple(expected):
            raise InputError(
                f'{where} is {shape[1]} x {shape[0]}, but {owner} is {expected[1]} x '
                f'{expected[0]} (width x height)'
            )
        yield shape, lengths


def _masks(path: str | Path) -> Iterator[tuple[str, Size, Callable[[], np.ndarray]]]:
    """Name, size, and what reads the run lengths of each mask, one after the other."""
    if os.path.isdir(path):
        for file in _pngs(path):
            with open_picture(file, 'mask') as picture:
                if picture.mode not in _MODES:
                    raise InputError(
                        f'{file} has mode {picture.mode}; masks are grey, of one bit, a palette '
                        'or RGB, and what is not 0 is the mask'
                    )
                size = (picture.height, picture.width)
            yield str(file), size, lambda file=file: _png_lengths(file)
        return
    for number, annotation in enumerate(_annotations(path)):
        where = f'{path}: annotation {number}'
        with naming(where):
            if not isinstance(annotation, Mapping):
                raise InputError(f'must be a dict with `segmentation`, got {annotation!r:.40}')
            segmentation: Any = annotation.get('segmentation')
            size = read_size(segmentation)
        yield where, size, lambda found=segmentation, where=where: _lengths(found, where)


def _pngs(folder: str | Path) -> list[Path]:
    """The PNGs of a folder by name.

    Raises:
        InputError: If there are none.
    """
    found = [
        Path(entry.path)
        for entry in os.scandir(folder)
        if entry.name.lower().endswith('.png') and not entry.name.startswith('.')
    ]
    if not found:
        raise InputError(f'{folder} holds no mask *.png; {_NONE}')
    return sorted(found)


def _png_lengths(file: Path) -> np.ndarray:
    with open_picture(file, 'mask') as picture:
        pixels = np.asarray(picture) != 0
        return run_lengths(pixels.any(axis=2) if pixels.ndim == 3 else pixels)


def _annotations(path: str | Path) -> Sequence[Any]:
    content = read_json(path, _WHAT)
    if isinstance(content, Mapping):
        content = content.get('annotations')
    if not isinstance(content, list):
        raise InputError(
            f'{path} is no {_WHAT}: it must hold a list of annotations, or '
            '{"annotations": [...]}, each with `segmentation`'
        )
    if not content:
        raise InputError(f'{path} holds no mask; {_NONE}')
    return content


def _lengths(segmentation: Mapping[str, Any], where: str) -> np.ndarray:
    with naming(where):
        return read_counts(segmentation)
