"""Writes lists of images with their labels, for `mmdrs.datasets.read_label_list`."""

import csv
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError
from mmdrs.files import written_whole


def write_label_list(
    path: str | os.PathLike[str], images: Sequence[ImageLabels], classes: Sequence[str] = ()
) -> None:
    """Write lines ``2007_000032 0 14``: an id and its 0-based foreground classes.

    A path that ends in ``.csv`` gets the columns id and labels, which takes ids with blanks. With
    ``classes`` its labels are their names, as far as a cell can hold them.

    Raises:
        InputError: For another suffix than .txt and .csv, an id that the list cannot hold, or if
            no image has a label: such a list could not be read again.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in ('.txt', '.csv'):
        raise InputError(f"{path}: a list of images ends in .txt or .csv, not in '{suffix}'")
    for image in images:
        words = [image.id.strip()] if suffix == '.csv' else image.id.split()
        if words != [image.id] or image.id.startswith('#') or len(image.id.splitlines()) != 1:
            raise InputError(
                f"{path}: {image.id!r} cannot be an id of a list; ids do not start with '#', and "
                'those with blanks need a list that ends in .csv'
            )
    if not any(image.labels for image in images):
        raise InputError(f'{path}: none of its {len(images)} images has a label')
    with written_whole(path) as temporary, temporary.open('w', encoding='utf-8') as file:
        if suffix == '.csv':
            labels = _label_texts(classes)
            rows = [(image.id, ';'.join(labels(image))) for image in images]
            csv.writer(file, lineterminator='\n').writerows([('id', 'labels'), *rows])
        else:
            lines = (' '.join([image.id, *map(str, image.labels)]) for image in images)
            file.writelines(f'{line}\n' for line in lines)


def _label_texts(classes: Sequence[str]) -> Callable[[ImageLabels], list[str]]:
    """What is written for the labels of an image: names, or numbers where one has a separator."""
    if any(re.search('[;|,]', n) or [n.strip()] != n.splitlines() for n in classes):
        classes = ()
    return lambda image: [classes[i] if classes else str(i) for i in image.labels]
