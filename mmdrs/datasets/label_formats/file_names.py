"""Labels in the names of the images: ``patch_17_[1101].png``, a digit for every class."""

import re
from pathlib import PurePosixPath

from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    ReadOptions,
    Source,
    chosen_names,
)
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError

#: As in LUAD and BCSS: ``[1101]``, ``[1, 0, 0]`` or ``[1 0 0]`` at the end of the name.
_LABELS = re.compile(r'\[([01](?:[, ]*[01])*)\]$')


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    names = [name for name in source.images if _digits(name)]
    return f'{len(names)} names of images end in labels: {names[0]}' if names else ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the images whose names end in labels; the names have no classes, so number them.

    Raises:
        InputError: If the labels of two images are of different length.
    """
    images, length = [], 0
    for name in source.images:
        digits = _digits(name)
        if not digits:
            continue
        length = length or len(digits)
        if len(digits) != length:
            raise InputError(
                f'{source.full(name)}: has labels of {len(digits)} classes, the images before of '
                f'{length}'
            )
        labels = tuple(i for i, digit in enumerate(digits) if digit == '1')
        images.append(ImageLabels(name, labels))
    found = chosen_names(options, length, source.path)
    return LabelledImages(tuple(images), found.classes, found.named)


def _digits(name: str) -> str:
    match = _LABELS.search(PurePosixPath(name).stem)
    return re.sub('[, ]', '', match[1]) if match else ''
