"""Where the files of an image go, maps, labels and predictions: ``<folder>/<image id>...``."""

import os
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.label_file import is_foreign_label
from mmdrs.pseudo_labels.map_file import is_foreign_map

#: Folder, in that of the labels, of the labels without ignored pixels, which are scored.
EVALUATED = '.evaluated'
#: File, in the folder of the labels, of the rules that they were made by.
RULES = 'rules.json'
_INPUTS = ('img_path', 'seg_map_path', 'saliency_path', 'map_path')


def image_id(image: Mapping[str, Any]) -> str:
    """The id of a data info or sample; in those of other packages its file name without suffix."""
    return image.get('img_id') or Path(image['img_path']).stem


def check_id(name: str) -> str:
    """Return an image id.

    Raises:
        InputError: If it is no path that stays below any folder, or is in the folder
            ``.evaluated``.
    """
    # On Windows a backslash separates folders, too, and `C:name` is on another drive.
    parts = name.replace(os.sep, '/').split('/')
    drive = os.path.splitdrive(name)[0]
    if {'', '.', '..'} & set(parts) or drive or '\0' in name or parts[0] == EVALUATED:
        raise InputError(
            f'the image id {name!r} would write outside of the output folder: ids are names, or '
            "paths below the folder of the images without '..'"
        )
    return name


def output_path(folder: str | Path, name: str, suffix: str) -> Path:
    """The file ``<folder>/<image id><suffix>``; an InputError for an id that leaves the folder."""
    return Path(folder) / f'{check_id(name)}{suffix}'


def check_outputs(
    outputs: Iterable[tuple[str | Path, str]], images: Iterable[Mapping[str, Any]]
) -> None:
    """Check, before any work, that files named after images overwrite nothing of the user's.

    Args:
        outputs: Folder and suffix of each kind of file.
        images: Data infos; ``img_path``, ``seg_map_path``, ``saliency_path`` and ``map_path`` are
            inputs.

    Raises:
        InputError: If a file is an input of any image, would be that of two images, or is there
            and was not written by this package; names it.
    """
    images, folder = list(images), cache(os.path.realpath)

    def real(path: str | Path) -> str:
        head, name = os.path.split(path)
        return os.path.join(folder(head), name)

    inputs = {real(image[key]) for image in images for key in _INPUTS if image.get(key)}
    owners: dict[str, str] = {}
    for out, suffix in outputs:
        for image in images:
            path = output_path(out, image_id(image), suffix)
            _check_output(path, real(path) in inputs)
            first = owners.setdefault(real(path), image['img_path'])
            if first != image['img_path']:
                raise InputError(
                    f'the results of {first} and {image["img_path"]} would be one file, {path}: '
                    'rename one image, or use ImageLabelDataset or PseudoLabelDataset, whose '
                    'results are named with their folders'
                )


def _check_output(path: Path, is_input: bool) -> None:
    if is_input:
        raise InputError(
            f'{path} is an input of this data set and would be overwritten; give another output '
            'folder'
        )
    foreign = is_foreign_map if path.suffix == '.npz' else is_foreign_label
    if path.exists() and foreign(path):
        raise InputError(
            f'{path} is there, was not written by mmdrs, and would be overwritten; give another '
            'output folder, or move the files away'
        )
