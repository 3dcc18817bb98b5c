"""Sizes and schedules that suit a number of images and their sizes. Arithmetic only.

The template's values are for some thousand images. A small data set gets as many epochs as make
:data:`SEEN` images, and smaller inputs: on two cores, 60 photographs then take some minutes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

#: Images that a training sees at least, all epochs together.
SEEN = dict(pretraining=1800, classifier=1200, refinement=900, segmentation=1200)
#: Epochs at least: of small data sets, and of others as in the template.
EPOCHS = (
    dict(pretraining=15, classifier=12, refinement=9, segmentation=12),
    dict(pretraining=30, classifier=15, refinement=30, segmentation=30),
)
#: Longest side of inputs, of small data sets and of others as in the template.
SIDES = (192, 320)
#: Images of the largest small data set.
SMALL = 200
_STEP = 32  # pixels; inputs have a multiple of them
_BATCH = 8


@dataclass(frozen=True)
class Recipe:
    """Sizes in pixels, images and epochs.

    Attributes:
        crop: Side of the squares that the networks are given.
        resize: Side of the squares that crops are taken from.
        map_scales: Sides at which maps are made.
        batch_size: Images of a batch, at most those of the list.
        epochs: By the name of the training.
    """

    crop: int
    resize: int
    map_scales: tuple[int, ...]
    batch_size: int
    epochs: dict[str, int]

    def milestones(self, training: str, shares: Sequence[float]) -> list[int]:
        """Epochs after these shares of a training, each at least 1."""
        return [max(1, round(self.epochs[training] * share)) for share in shares]


def choose_recipe(images: int, sizes: Sequence[tuple[int, int]]) -> Recipe:
    """Choose a recipe.

    Args:
        images: Images of the training list, at least 1.
        sizes: Height and width of images.
    """
    large = images > SMALL
    side = median(min(size) for size in sizes)
    crop = min(SIDES[large], max(2 * _STEP, int(side // _STEP * _STEP)))
    # Few images make more steps in smaller batches; batch norms need two.
    batch = _BATCH if images >= 8 * _BATCH else _BATCH // 2
    return Recipe(
        crop=crop,
        resize=round(1.2 * crop / 8) * 8,
        map_scales=tuple(sorted({round(s * crop / _STEP) * _STEP for s in (0.8, 1.0, 1.2)})),
        batch_size=min(batch, images),
        epochs={
            name: max(least, math.ceil(SEEN[name] / images))
            for name, least in EPOCHS[large].items()
        },
    )
