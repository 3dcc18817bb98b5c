"""What is in a folder of photographs besides the labels: masks, saliency maps, sizes."""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES, without_suffix
from mmdrs.datasets.label_formats.layout import MASKS, SALIENCY
from mmdrs.datasets.label_formats.masks import mask_values
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import read_header

Kind = Literal['indices', 'colours', 'binary']
#: Files that are looked into.
_SAMPLE = 100
#: Share of the masks whose classes must be the labels of their image.
_AGREEMENT = 0.5


@dataclass(frozen=True)
class MapFolder:
    """A folder of a picture for images.

    Attributes:
        folder: Relative to the folder of the data.
        ids: Ids, without ending, of the images that have one.
        fault: Why the pictures cannot be used; '' where they can.
        kind: Of masks.
    """

    folder: str
    ids: frozenset[str]
    fault: str = ''
    kind: Kind = 'indices'


def image_id(image: ImageLabels) -> str:
    """The id that names mask and results of a listed image."""
    return without_suffix(image.id, IMAGE_SUFFIXES)


def spread(items: Sequence, most: int = _SAMPLE) -> Sequence:
    """At most so many items, evenly spaced."""
    return items[:: -(-len(items) // most) or 1]


def image_sizes(paths: Sequence[Path]) -> list[tuple[int, int]]:
    """Height and width of some of the images.

    Raises:
        InputError: If one is damaged.
    """
    return [read_header(path)[:2] for path in spread(paths)]


def find_masks(
    root: Path, files: Iterable[str], images: Sequence[ImageLabels], classes: Sequence[str]
) -> MapFolder | None:
    """Find the masks to score with: PNG of class indices, 0 background, named after the images.

    Args:
        root: The folder of the data.
        files: Its files.
        images: The images.
        classes: Foreground classes; mask value 1 must be the first of them.
    """
    found = _find(files, images, MASKS)
    if found is None:
        return None
    labels = {image_id(image): image.labels for image in images}
    kind, fault = _judge(root / found.folder, labels, sorted(found.ids), classes)
    return MapFolder(found.folder, found.ids, fault, kind)


def find_saliency(files: Iterable[str], images: Sequence[ImageLabels]) -> MapFolder | None:
    """Find the saliency maps, one for each image."""
    found = _find(files, images, SALIENCY)
    if found is None or len(found.ids) == len(images):
        return found
    fault = f'{len(images) - len(found.ids)} of {len(images)} images have none'
    return MapFolder(found.folder, found.ids, fault)


def _find(
    files: Iterable[str], images: Sequence[ImageLabels], names: Sequence[str]
) -> MapFolder | None:
    """The folder, with one of these names, that has a PNG for most images."""
    ids, candidates = {image_id(image) for image in images}, {}
    for path in files:
        parts = path.split('/')
        place = next((i for i, part in enumerate(parts[:-1]) if part.lower() in names), None)
        if place is not None and path.endswith('.png'):
            folder = '/'.join(parts[: place + 1])
            candidates.setdefault(folder, set()).add('/'.join(parts[place + 1 :])[:-4])
    found = [MapFolder(folder, frozenset(there & ids)) for folder, there in candidates.items()]
    order = {name: number for number, name in enumerate(names)}
    best = max(
        found,
        key=lambda one: (len(one.ids), -order[posixpath.basename(one.folder).lower()]),
        default=None,
    )
    return best if best and best.ids else None


def _judge(
    folder: Path, labels: dict[str, tuple[int, ...]], ids: Sequence[str], classes: Sequence[str]
) -> tuple[Kind, str]:
    """The kind of masks, and why they cannot be scored with; '' if nothing is wrong."""
    values = {}
    for name in spread(ids):
        try:
            values[name] = mask_values(folder / f'{name}.png')
        except InputError as error:
            return 'colours', str(error)
    seen = set().union(*values.values())
    if seen <= {0, IGNORE_LABEL} and IGNORE_LABEL in seen:
        return 'binary', 'they hold 0 and 255, where 255 means ignored: write the class as 1'
    highest = max(seen - {IGNORE_LABEL}, default=0)
    if highest > len(classes):
        return 'indices', f'they hold the value {highest}, but there are {len(classes)} classes'
    right = sum(
        {value - 1 for value in found - {0, IGNORE_LABEL}} == {*labels[name]}
        for name, found in values.items()
    )
    if right < _AGREEMENT * len(values):
        return (
            'indices',
            f'the classes of {len(values) - right} of {len(values)} masks are not the labels of '
            'their image: give --classes in the order of the values of the masks',
        )
    return 'indices', ''
