"""The prediction of one image: label, probabilities, and a picture of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import numpy as np
import torch
from torch import Tensor

from mmdrs.visualization import label_overlay

#: Level of the probability 1 in files.
LEVELS = 255


@dataclass
class Prediction:
    """What a segmentation network says of an image.

    Attributes:
        image: The image, RGB uint8 (H, W, 3).
        label: Class of each pixel, uint8 (H, W), an index of ``classes``.
        classes: Names of the classes.
        palette: Red, green and blue of each class, 0..255.
        levels: Probabilities by class, uint8 (H, W), 255 for 1, of the classes that have any
            above 0; None where they were not asked for.
    """

    image: np.ndarray
    label: np.ndarray
    classes: tuple[str, ...]
    palette: list[list[int]]
    levels: dict[int, np.ndarray] | None = None
    compute: Callable[[], np.ndarray] = field(kw_only=True, repr=False)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probabilities, float32 (classes, H, W), by another run of the network; then kept."""
        return self.compute()

    @cached_property
    def found(self) -> list[int]:
        """The classes that some pixel has, in order."""
        return np.flatnonzero(np.bincount(self.label.ravel(), minlength=1)).tolist()

    @property
    def background(self) -> int | None:
        """The class that is shown as the bare image, the first, if it is called background."""
        return 0 if self.classes[0] == 'background' else None

    def overlay(self) -> np.ndarray:
        """The image under the colours of its classes, RGB uint8 (H, W, 3)."""
        return label_overlay(self.image, self.label, self.palette, self.background)


class Collector:
    """Puts the scores of the parts of an image together: a label, and probabilities if wanted.

    Args:
        size: Height and width of the image.
        threshold: Of a network with a single output, whose class is 1 above this probability.
        wanted: ``'levels'`` or ``'floats'`` collects probabilities; None only the label.
    """

    def __init__(
        self, size: tuple[int, int], threshold: float | None = None, wanted: str | None = None
    ) -> None:
        self.label = np.zeros(size, np.uint8)
        self.threshold = threshold
        self.levels: dict[int, np.ndarray] | None = {} if wanted == 'levels' else None
        self.floats: np.ndarray | None = None
        self._floats_wanted = wanted == 'floats'

    def add(self, rows: slice, columns: slice, scores: Tensor, is_sigmoid: bool = False) -> None:
        """Add the scores (C, h, w) of a part.

        ``is_sigmoid`` says that those of a single output are probabilities already.
        """
        foreground = None
        if len(scores) == 1:
            foreground = scores if is_sigmoid else scores.sigmoid()
            label = foreground[0] > cast(float, self.threshold)
        else:
            label = scores.argmax(dim=0)
        self.label[rows, columns] = label.to(torch.uint8).cpu().numpy()
        if self.levels is None and not self._floats_wanted:
            return
        if foreground is not None:
            probabilities = torch.cat([1 - foreground, foreground])
        else:
            probabilities = scores.float().softmax(dim=0)
        if self._floats_wanted:
            if self.floats is None:
                self.floats = np.zeros((len(probabilities), *self.label.shape), np.float32)
            self.floats[:, rows, columns] = probabilities.float().cpu().numpy()
        else:
            self._add_levels(rows, columns, probabilities)

    def _add_levels(self, rows: slice, columns: slice, probabilities: Tensor) -> None:
        """A class gets its array with its first level above 0: most classes are in no image."""
        found = cast(dict, self.levels)
        levels = (probabilities * LEVELS).round().to(torch.uint8)
        for index in levels.flatten(1).any(dim=1).nonzero().flatten().tolist():
            if index not in found:
                found[index] = np.zeros(self.label.shape, np.uint8)
            found[index][rows, columns] = levels[index].cpu().numpy()
