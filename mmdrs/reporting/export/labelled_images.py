"""Images with their labels, from a network or from the pseudo labels of a run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmdrs.apis import Segmentor
from mmdrs.apis.prediction.segmentor import Tile
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.reading import reason_of
from mmdrs.reporting.report.listed_images import list_images
from mmdrs.reporting.report.reported_run import read_run

#: Stage of the labels that are fused from maps.
PSEUDO_LABELS = 'pseudo_labels'


class LabelledImage(NamedTuple):
    """An image and its label.

    Attributes:
        id: Names its results.
        path: The file.
        label: Class of each pixel, uint8 (H, W); 255 is no class.
    """

    id: str
    path: Path
    label: np.ndarray

    @property
    def file_name(self) -> str:
        """The id with the suffix of the file."""
        return f'{self.id}{self.path.suffix}'


@dataclass
class LabelledImages:
    """Images of which each gets its label when it is asked for.

    Attributes:
        classes: Names of the classes, background first.
        palette: Red, green and blue of each class.
        paths: Files by id.
        label_of: Reads or predicts the label of an id.
        failed: What is wrong with the images that an iteration has left out, by file.
    """

    classes: tuple[str, ...]
    palette: list[list[int]]
    paths: Mapping[str, Path]
    label_of: Callable[[str], np.ndarray]
    failed: dict[Path, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[LabelledImage]:
        for name, path in self.paths.items():
            try:
                label = self.label_of(name)
            except InputError as error:
                self.failed[path] = str(error)
            else:
                yield LabelledImage(name, path, label)


def predicted_images(
    model: Segmentor, paths: Mapping[str, Path], tile: Tile, batch_size: int = 1
) -> LabelledImages:
    """Images with the predictions of a network; each is predicted when its turn comes.

    ``batch_size`` is the number of windows of a large image that are predicted at once.
    """

    def label_of(name: str) -> np.ndarray:
        pixels = read_image(paths[name])
        try:
            (prediction,) = model.predict_batch([pixels], tile, batch_size=batch_size)
        except RuntimeError as error:  # out of memory, or an image too small for the network
            reason = reason_of(error)
            raise InputError(f'{paths[name]}: the network fails: {reason}') from error
        return prediction.label

    return LabelledImages(model.classes, model.palette, paths, label_of)


def pseudo_labelled_images(run: str | Path, data_root: Path | None = None) -> LabelledImages:
    """The training images of a run with its pseudo labels.

    Args:
        run: Work directory of the pipeline.
        data_root: Where the data are now; None: where the run had them.

    Raises:
        InputError: If the run has no pseudo labels, or the data are gone.
    """
    listed = list_images(read_run(run), 'train', data_root)
    if PSEUDO_LABELS not in listed.made_by([PSEUDO_LABELS]):
        reasons = dict(listed.left_out)
        raise InputError(
            f'{run}: no pseudo labels ({reasons.get(PSEUDO_LABELS, "not finished")}); run the '
            f'stage with mmdrs run ... --to {PSEUDO_LABELS}'
        )
    files = {image.id: image.files[PSEUDO_LABELS] for image in listed.images}
    palette = [list(colour) for colour in listed.palette]
    paths = {image.id: image.image for image in listed.images}
    return LabelledImages(listed.classes, palette, paths, lambda name: read_label(files[name]))
