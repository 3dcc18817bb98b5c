"""A folder of predictions: masks, pictures, probabilities, and what made them."""

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmdrs.apis.prediction.config import whole_image_steps
from mmdrs.apis.prediction.prediction import Prediction
from mmdrs.apis.prediction.segmentor import Segmentor, Tile
from mmdrs.errors import InputError
from mmdrs.files import digest, file_digest, write_json, written_whole
from mmdrs.pseudo_labels.label_file import read_label_record, write_label
from mmdrs.pseudo_labels.output_paths import check_outputs, output_path
from mmdrs.reading import read_json
from mmdrs.visualization import label_overlay, legend

RECORD = 'predictions.json'
FORMAT = 1
MASKS, OVERLAYS, PROBABILITIES = 'masks', 'overlays', 'probabilities'
#: Longest side of a picture; masks have the size of the image.
LONGEST = 2048
#: A legend needs this width, also below a smaller image.
LEGEND_WIDTH = 160


class PredictedFolder:
    """``masks/<id>.png``, ``overlays/<id>.jpg`` and ``probabilities/<id>.npz`` of images.

    ``predictions.json`` says which network made them, and each mask which image it is of. The
    mask is written last: one that exists is that of a finished image.

    Args:
        folder: The folder.
        model: The network.
        tile: See :meth:`~mmdrs.apis.Segmentor.predict`.
        probabilities: Whether probabilities are written.
    """

    def __init__(
        self, folder: str | Path, model: Segmentor, tile: Tile, probabilities: bool = False
    ) -> None:
        self.folder = Path(folder)
        self.model = model
        self.tile = tile
        self.probabilities = probabilities

    @cached_property
    def made_by(self) -> dict[str, Any]:
        """What all masks are made by, the image apart."""
        cfg, checkpoint = self.model.cfg, self.model.checkpoint
        return dict(
            network=digest(cfg.model.to_dict()),
            weights=file_digest(checkpoint) if os.path.isfile(checkpoint) else checkpoint,
            pipeline=digest(whole_image_steps(cfg)),
            tile=self.tile,
        )

    def path(self, kind: str, name: str) -> Path:
        """The file of an image."""
        suffix = {MASKS: '.png', OVERLAYS: '.jpg', PROBABILITIES: '.npz'}[kind]
        return output_path(self.folder / kind, name, suffix)

    def open(self, images: Mapping[str, Path], overwrite: bool) -> None:
        """Check that nothing of the user's is overwritten, and write the record.

        Args:
            images: Files by id.
            overwrite: Take a folder with the predictions of another network.

        Raises:
            InputError: If there are such predictions, or other files in their place.
        """
        file = self.folder / RECORD
        if file.exists() and not overwrite:
            found = read_json(file, 'record of predictions', 'give --overwrite')
            if not isinstance(found, dict) or found.get('made_by') != self.made_by:
                raise InputError(
                    f'{self.folder} holds predictions of another network or with other tiles '
                    f'({file}); give another --out, or --overwrite'
                )
        elif not overwrite and any((self.folder / OVERLAYS).glob('*')):
            raise InputError(
                f'{self.folder / OVERLAYS} is there, and {self.folder} has no {RECORD}; give '
                'another --out, or --overwrite'
            )
        infos = [dict(img_id=name, img_path=str(path)) for name, path in images.items()]
        check_outputs([(self.folder / MASKS, '.png')], infos)
        content = dict(
            format=FORMAT,
            made_by=self.made_by,
            config=self.model.cfg.filename,
            checkpoint=self.model.checkpoint,
            classes=self.model.classes,
            palette=self.model.palette,
        )
        write_json(file, content)

    def finished(self, name: str, image: Path) -> list[int] | None:
        """The classes in the mask of an image that is finished; None of another."""
        kinds = [MASKS, OVERLAYS, *([PROBABILITIES] if self.probabilities else [])]
        if not all(self.path(kind, name).is_file() for kind in kinds):
            return None
        record = read_label_record(self.path(MASKS, name)) or {}
        found = record.pop('found', None)
        return found if image.is_file() and record == self._record(image) else None

    def _record(self, image: Path) -> dict[str, Any]:
        return dict(self.made_by, image=file_digest(image))

    def write(self, name: str, image: Path, prediction: Prediction) -> None:
        """Write the files of an image."""
        if self.probabilities:
            _write_levels(self.path(PROBABILITIES, name), prediction)
        with written_whole(self.path(OVERLAYS, name)) as temporary:
            overlay_picture(prediction).save(temporary, quality=92)
        record = dict(self._record(image), found=prediction.found)
        write_label(self.path(MASKS, name), prediction.label, prediction.palette, record)


def overlay_picture(prediction: Prediction) -> Image.Image:
    """The overlay, at most :data:`LONGEST` pixels high and wide, and the legend below it."""
    picture = Image.fromarray(prediction.image)
    label = Image.fromarray(prediction.label)
    factor = LONGEST / max(picture.size)
    if factor < 1:
        size = [max(1, round(side * factor)) for side in picture.size]
        picture = picture.resize(size, Image.Resampling.LANCZOS)
        label = label.resize(size, Image.Resampling.NEAREST)
    background, palette = prediction.background, prediction.palette
    mixed = label_overlay(np.asarray(picture), np.asarray(label), palette, background)
    colours = {
        prediction.classes[index]: palette[index]
        for index in prediction.found
        if index != background
    }
    key = legend(colours or {'background only': (255, 255, 255)}, max(label.width, LEGEND_WIDTH))
    whole = Image.new('RGB', (key.width, label.height + key.height), 'white')
    whole.paste(Image.fromarray(mixed), (0, 0))
    whole.paste(key, (0, label.height))
    return whole


def _write_levels(path: Path, prediction: Prediction) -> None:
    """``levels`` uint8 (K, H, W), 255 for the probability 1, of the K ``classes``, by index."""
    found = prediction.levels or {}
    shown = sorted(found)
    levels = np.stack([found[index] for index in shown])
    names = np.array([prediction.classes[index] for index in shown])
    with written_whole(path) as temporary:
        np.savez_compressed(temporary, levels=levels, classes=np.array(shown), names=names)
