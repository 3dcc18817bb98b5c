"""Localization maps on disk: the classes present only, 256 levels, compressed.

One ``<image id>.npz`` per image. For VOC 2012 ``train_aug`` (1.47 classes an image) they take a
small part of the 21.7 GB of the released script's twenty channels.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmdrs.errors import InputError, MissingFileError
from mmdrs.files import written_whole
from mmdrs.models.utils.cam import to_levels
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.reading import reading

#: Version of the files; files of another version are made again, and the labels from them.
FORMAT = 2
_ATTEMPTS = 5
_MOST_PIXELS = 2**30  # of an image, as in OpenCV
_LARGEST_FILE = 2**31  # bytes of its arrays; 80 classes of a picture of 5 megapixels take a fifth


@dataclass(frozen=True)
class LocalizationMaps:
    """The stored localization maps of one image.

    Attributes:
        labels: Foreground classes present, counted from 0, in ascending order.
        values: Levels 0..255, uint8, (len(labels), h, w).
        original_size: Height and width of the image file.
        scale: Value that level 255 represents. 1 for normalised maps; refined maps are linear and
            may exceed 1.
        record: What made the maps, JSON values only: ``format``, ``network``,
            ``weights`` and ``pipeline`` (hashes), ``scales``, ``size``, ``precision``,
            ``labels``, the image labels (None where the network chose), and ``method``, that of
            pytorch-grad-cam where one made them. Empty where unknown.
    """

    labels: tuple[int, ...]
    values: np.ndarray
    original_size: tuple[int, int]
    scale: float = 1.0
    record: dict[str, Any] = field(default_factory=dict)

    def floats(self) -> np.ndarray:
        """The maps as float32 (K, h, w), 0..``scale``."""
        return self.values.astype(np.float32) * np.float32(self.scale / 255)

    @classmethod
    def from_floats(
        cls,
        labels: tuple[int, ...],
        maps: np.ndarray,
        original_size: tuple[int, int],
        record: dict[str, Any] | None = None,
    ) -> 'LocalizationMaps':
        """Quantise float maps (K, h, w); the scale grows where a value exceeds 1."""
        scale = max(1.0, float(maps.max())) if maps.size else 1.0
        return cls(tuple(labels), to_levels(maps, scale), original_size, scale, record or {})


def write_maps(path: str | Path, maps: LocalizationMaps) -> None:
    """Write maps under a temporary name, then rename: a file that exists is complete.

    Raises:
        InputError: If the array is not uint8 (len(labels), h, w).
    """
    path = Path(path)
    values = maps.values
    if values.dtype != np.uint8 or values.ndim != 3 or len(values) != len(maps.labels):
        raise InputError(
            f'{path}: localization maps must be uint8 (classes, height, width) with one map for '
            f'each of the classes {maps.labels}, got {values.dtype} {values.shape}'
        )
    with written_whole(path) as temporary, temporary.open('wb') as file:
        np.savez_compressed(
            file,
            labels=np.asarray(maps.labels, np.int64),
            values=values,
            original_size=np.asarray(maps.original_size, np.int64),
            scale=np.float64(maps.scale),
            record=np.array(json.dumps(maps.record, sort_keys=True)),
        )


def read_maps(path: str | Path) -> LocalizationMaps:
    """Read maps written by :func:`write_maps`.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If the file is damaged or of another format.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(
            f'no localization maps {path}: make them with tools/test.py CONFIG CHECKPOINT --out '
            f'{path.parent}'
        )
    with reading(path, 'localization map file', 'delete it and make it again'):
        with np.load(path, allow_pickle=False) as file:
            _refuse_large(file)
            maps = LocalizationMaps(
                labels=tuple(_array(file, 'labels').tolist()),
                values=_array(file, 'values'),
                original_size=tuple(_array(file, 'original_size').tolist()),
                scale=float(_array(file, 'scale')),
                record=json.loads(str(_array(file, 'record'))),
            )
        _check(maps)
    return maps


def _refuse_large(file: np.lib.npyio.NpzFile) -> None:
    members = file.zip.infolist() if file.zip else []
    size = sum(member.file_size for member in members)
    if size > _LARGEST_FILE:
        raise ValueError(f'it unpacks to {size / 2**30:.1f} GiB')


def _check(maps: LocalizationMaps) -> None:
    """Check what a file holds: it may be whole, and nonsense."""
    labels, values, size = maps.labels, maps.values, maps.original_size
    if not all(isinstance(label, int) for label in labels) or list(labels) != sorted(set(labels)):
        raise ValueError(f'its classes are {labels}')
    if labels and not 0 <= labels[0] <= labels[-1] < IGNORE_LABEL - 1:
        raise ValueError(f'its classes are {labels}')
    shape = values.shape
    if values.dtype != np.uint8 or len(shape) != 3 or len(values) != len(labels) or 0 in shape[1:]:
        raise ValueError(f'its maps are {values.dtype} {shape} for {len(labels)} classes')
    sides = len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size)
    if not sides or size[0] * size[1] > _MOST_PIXELS:
        raise ValueError(f'the size of its image is {size}')
    if not (math.isfinite(maps.scale) and maps.scale > 0):
        raise ValueError(f'its scale is {maps.scale}')
    if not isinstance(maps.record, dict):
        raise ValueError('its record is no JSON object')


def read_record(path: str | Path) -> dict[str, Any] | None:
    """The record of a map file, without decoding its maps; None where there is no whole file."""
    try:
        with reading(path, 'map file'), np.load(path, allow_pickle=False) as file:
            _refuse_large(file)
            record = json.loads(str(_array(file, 'record')))
    except InputError:
        return None
    return record if isinstance(record, dict) else None


def is_foreign_map(path: str | Path) -> bool:
    """Whether a file is a whole archive of arrays that hold something else than maps."""
    try:
        with reading(path, 'map file'), np.load(path, allow_pickle=False) as file:
            return not {'labels', 'values'} <= set(file)
    except InputError:
        return False


def _array(file: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """An array of an open file.

    NumPy has Python parse its header, which in CPython below 3.11.8 and 3.12.2 sometimes fails
    while another thread does the same (python/cpython#106905). A second attempt succeeds.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return file[name]
        except SystemError:
            continue
    return file[name]
