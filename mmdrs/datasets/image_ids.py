"""The ids of listed images, which name their masks and all that is made of them."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmdrs.datasets.label_lists import ImageLabels

#: Endings of image files, in any case.
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


def without_suffix(name: str, suffixes: Sequence[str]) -> str:
    """A listed name without the suffix of images, in any case, that it may end in."""
    lower = name.lower()
    return next((name[: -len(end)] for end in suffixes if lower.endswith(end.lower())), name)


def listed_ids(
    images: Sequence[ImageLabels],
    image_dir: str,
    data_root: str | None,
    suffixes: Sequence[str],
) -> list[str]:
    """The ids of listed images: their names without suffix; they name masks and results.

    The id of an absolute path is that relative to the image folder; where one of them is not in
    it, to the data root; and else to the folder that all of them have in common.
    """
    absolute = [os.path.normpath(image.id) for image in images if os.path.isabs(image.id)]
    root = ''  # without absolute ids it is not needed
    if absolute:
        common = os.path.commonpath([os.path.dirname(path) for path in absolute])
        roots = [os.path.abspath(root) for root in (image_dir, data_root) if root]
        root = next((r for r in roots if os.path.commonpath([r, common]) == r), common)
    ids = []
    for image in images:
        name = image.id
        if os.path.isabs(name):
            name = Path(os.path.relpath(os.path.normpath(name), root)).as_posix()
        ids.append(without_suffix(name, suffixes).removeprefix('./'))
    return ids
