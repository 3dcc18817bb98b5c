"""Predict image files into a folder: in batches, resumable, whatever is wrong with single ones."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mmdrs.apis.prediction.folder import PredictedFolder
from mmdrs.apis.prediction.prediction import Prediction
from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.reading import reason_of


@dataclass
class Outcome:
    """What became of the images.

    Attributes:
        predicted: How many were predicted.
        kept: How many were finished already.
        classes: Number of images by class, an index.
        failed: What is wrong with the others, by file.
    """

    predicted: int = 0
    kept: int = 0
    classes: Counter = field(default_factory=Counter)
    failed: dict[Path, str] = field(default_factory=dict)

    @property
    def background_only(self) -> bool:
        """Whether no image has any class but the first."""
        return self.predicted + self.kept > 0 and not set(self.classes) - {0}


def predict_files(
    images: Mapping[str, Path], folder: PredictedFolder, batch_size: int, overwrite: bool
) -> Outcome:
    """Predict images, and write the files of each.

    Args:
        images: Files by id.
        folder: Where the results go; images that are finished there are left out.
        batch_size: Images, or windows of a large one, that are predicted at once.
        overwrite: Predict all images anew, in a folder of whatever network.

    Raises:
        InputError: If the folder holds other files; a broken image is noted.
    """
    folder.open(images, overwrite)
    outcome, left = Outcome(), {}
    for name, path in images.items():
        found = None if overwrite else folder.finished(name, path)
        if found is None:
            left[name] = path
        else:
            outcome.kept += 1
            outcome.classes.update(found)
    progress = Progress('predict')
    progress.start(outcome.kept)
    for name, path, prediction in _predictions(left, folder, batch_size, outcome):
        folder.write(name, path, prediction)
        outcome.predicted += 1
        outcome.classes.update(prediction.found)
        done = outcome.predicted + outcome.kept + len(outcome.failed)
        progress.step(done, len(images), path.name)
    return outcome


def _predictions(
    images: Mapping[str, Path], folder: PredictedFolder, batch_size: int, outcome: Outcome
) -> Iterator[tuple[str, Path, Prediction]]:
    """Ids, files and predictions of the images that can be read; others are noted."""
    items = list(images.items())
    for start in range(0, len(items), batch_size):
        batch: dict[str, tuple[Path, np.ndarray]] = {}
        for name, path in items[start : start + batch_size]:
            try:
                batch[name] = path, read_image(path)
            except InputError as error:
                outcome.failed[path] = str(error)
        found = _predict(batch, folder, batch_size, outcome)
        for name, prediction in found.items():
            yield name, images[name], prediction


def _predict(
    batch: Mapping[str, tuple[Path, np.ndarray]],
    folder: PredictedFolder,
    batch_size: int,
    outcome: Outcome,
) -> dict[str, Prediction]:
    """The predictions of a batch; where the network fails, of each image by itself."""
    wanted = 'levels' if folder.probabilities else None
    pixels = [image for _, image in batch.values()]
    try:
        found = folder.model.predict_batch(pixels, folder.tile, wanted, batch_size)
    except RuntimeError as error:  # out of memory, or an image too small for the network
        if len(batch) == 1:
            ((path, _),) = batch.values()
            outcome.failed[path] = f'{path}: the network fails: {reason_of(error)}'
            return {}
        parts = ({name: item} for name, item in batch.items())
        return {k: v for p in parts for k, v in _predict(p, folder, 1, outcome).items()}
    return dict(zip(batch, found, strict=True))
