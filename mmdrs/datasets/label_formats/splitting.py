"""Training and validation images: as the source has them, or drawn."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mmdrs.datasets.label_formats.labelled import LabelledImages
from mmdrs.datasets.label_formats.layout import split_of
from mmdrs.datasets.label_lists import ImageLabels

Images = Sequence[ImageLabels]


def given_split(labelled: LabelledImages) -> dict[str, list[ImageLabels]]:
    """The images by ``train``, ``val`` and ``test``, as the folders or files of the source say it.

    Without training images among them, all are for training. Test images are for validation where
    there are no others.
    """
    parts: dict[str, list[ImageLabels]] = {'train': [], 'val': [], 'test': []}
    for image in labelled.images:
        part = 'val' if image.id in labelled.held_out else split_of(image.id) or 'train'
        parts[part].append(image)
    if not parts['train']:
        return {'train': list(labelled.images), 'val': [], 'test': []}
    if not parts['val']:
        parts['val'], parts['test'] = parts['test'], []
    return parts


def drawn_split(
    images: Images, share: float, seed: int
) -> tuple[list[ImageLabels], list[ImageLabels]]:
    """Draw images for validation, in equal shares of every combination of labels.

    The images are shuffled, sorted by their labels, and every n-th is drawn. One that is the last
    of a class stays in the training.

    Args:
        images: The images.
        share: Of the validation images, in 0..1.
        seed: Of the order.

    Returns:
        Training and validation images, in the order of ``images``.
    """
    count = round(share * len(images))
    rng = np.random.default_rng(seed)
    order = sorted(rng.permutation(len(images)), key=lambda index: images[index].labels)
    places = (np.arange(count) + rng.random()) * len(images) / max(1, count)
    left = Counter(label for image in images for label in image.labels)
    drawn = set()
    for place in places.astype(int):
        index = order[place]
        if all(left[label] > 1 for label in images[index].labels):
            left.subtract(images[index].labels)
            drawn.add(index)
    train = [image for index, image in enumerate(images) if index not in drawn]
    return train, [image for index, image in enumerate(images) if index in drawn]
