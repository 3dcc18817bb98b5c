"""Makes pseudo labels from stored maps and from maps straight from the network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmdrs.errors import InputError
from mmdrs.files import digest, file_digest
from mmdrs.pseudo_labels.image_file import read_saliency
from mmdrs.pseudo_labels.label_file import read_label, read_label_record, write_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps
from mmdrs.pseudo_labels.output_paths import EVALUATED, output_path
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments import Segments
from mmdrs.pseudo_labels.segments_file import read_segments, segments_digest
from mmdrs.reading import reading


class ImageFiles(NamedTuple):
    """What a label is made of, besides the maps.

    Attributes:
        img_id: Also the name of the label.
        img_path: The image; it is read for a CRF or refinement only.
        saliency: File of the saliency map, or the map (H, W), 0..255.
        scored: Whether the image has ground truth.
        segments: File or folder of the masks to merge.
    """

    img_id: str
    img_path: str
    saliency: str | np.ndarray | None = None
    scored: bool = False
    segments: str | None = None


@dataclass(frozen=True)
class LabelMaker:
    """Makes pseudo labels, writes them, and knows which are finished.

    The written label has ignored pixels, the scored one has not. Where an image has ground truth,
    the scored one is stored in ``<out_dir>/.evaluated``, so that a second run computes nothing.

    Attributes:
        rules: How maps become labels.
        palette: Red, green and blue of each class.
        out_dir: Folder of the label PNGs ``<image id>.png``; None writes none.
    """

    rules: LabelRules
    palette: Sequence[Sequence[int]]
    out_dir: Path | None = None

    def finished(self, image: ImageFiles, maps: dict | None) -> bool:
        """Whether all files of an image are there, and made of the same.

        ``maps`` is the record of the maps; None accepts labels of any maps, for maps that are
        gone.
        """
        if not self.has_files(image):
            return False
        record = self.record(image, maps)
        return all(self._made_of(path, record) for path in self._paths(image))

    def has_files(self, image: ImageFiles) -> bool:
        """Whether all files of an image are there, whatever they are made of."""
        paths = self._paths(image)
        return bool(paths) and all(path.is_file() for path in paths)

    def record(self, image: ImageFiles, maps: dict | None) -> dict:
        """What the label of an image is made of: maps, rules, the saliency map, merged masks.

        Raises:
            InputError: If the rules need a saliency map or masks and there are none.
        """
        saliency = self._saliency_digest(image)
        made_of = dict(maps=maps, rules=self.rules.deciding(), saliency=saliency)
        if self.rules.merge is not None:  # labels without merged masks do not name them
            made_of['segments'] = segments_digest(self._segments_path(image))
        return json.loads(json.dumps(made_of))  # as a file gives it back: tuples are lists

    def make(
        self, image: ImageFiles, maps: LocalizationMaps, record: dict | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Make the label of an image, and write what is not finished.

        ``record`` is that of the maps; None where it is unknown.

        Returns:
            ``(written, evaluated)``, see :func:`~mmdrs.pseudo_labels.fusion.fuse_maps`.

        Raises:
            InputError: If a file is missing, damaged, or not of the image's size.
        """
        made_of = self.record(image, record)
        size, saliency = maps.original_size, None
        if self.rules.background_cue.needs_saliency:
            saliency = image.saliency
            if not isinstance(saliency, np.ndarray):
                saliency = read_saliency(saliency, size)
        labels = self.rules.fuse(
            *(maps.floats(), maps.labels, size, saliency, image.img_path),
            self._segments(image, size),
        )
        # The written label goes last: it says that both are there.
        for path, label in reversed(list(zip(self._paths(image), labels, strict=False))):
            if record is None or not self._made_of(path, made_of):
                write_label(path, label, self.palette, made_of)
        return labels

    def read(self, image: ImageFiles) -> tuple[np.ndarray, ...]:
        """The finished labels: ``(written,)``, and ``evaluated`` where the image is scored."""
        return tuple(read_label(path) for path in self._paths(image))

    def _paths(self, image: ImageFiles) -> list[Path]:
        if self.out_dir is None:
            return []
        folders = [self.out_dir, self.out_dir / EVALUATED] if image.scored else [self.out_dir]
        return [output_path(folder, image.img_id, '.png') for folder in folders]

    @staticmethod
    def _made_of(path: Path, record: dict) -> bool:
        found = read_label_record(path)
        if found is not None and record['maps'] is None:
            found['maps'] = None
        return found == record

    def _segments(self, image: ImageFiles, size: tuple[int, int]) -> Segments | None:
        if self.rules.merge is None:
            return None
        return read_segments(self._segments_path(image), size)

    @staticmethod
    def _segments_path(image: ImageFiles) -> str:
        if image.segments is None:
            raise InputError(
                f'no masks to merge into the label of {image.img_path}: set segments_dir '
                '(data_prefix.segments_path) and end the pipeline with PackDRSInputs, or leave '
                'out `merge` of the pseudo labels'
            )
        return image.segments

    def _saliency_digest(self, image: ImageFiles) -> str | None:
        if not self.rules.background_cue.needs_saliency:
            return None
        if image.saliency is None:
            raise InputError(
                f'no saliency map of {image.img_path}: set data_prefix.saliency_path and end the '
                'pipeline with PackDRSInputs, or choose a background_cue of type constant or power'
            )
        if isinstance(image.saliency, np.ndarray):
            return digest(image.saliency.tolist())
        with reading(image.saliency, 'saliency map'):
            return file_digest(image.saliency)
