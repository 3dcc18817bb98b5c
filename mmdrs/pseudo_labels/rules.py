"""How localization maps become pseudo labels: the rules as a config, and one image by them."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.constants import CONFIDENT_THRESHOLD, MAP_THRESHOLD
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue, fuse_maps
from mmdrs.pseudo_labels.image_file import read_image


@dataclass(frozen=True)
class LabelRules:
    """How maps become labels: the arguments of :func:`~mmdrs.pseudo_labels.fusion.fuse_maps`.

    Attributes:
        background_cue: Where the background is.
        threshold: Map values below are 0.
        confident: A channel above this is confident ...
        max_confident: ... and pixels with more confident channels are ignored.
        crf: The dense CRF that the labels go through; None is none.
    """

    background_cue: BackgroundCue = field(default_factory=BackgroundCue)
    threshold: float = MAP_THRESHOLD
    confident: float = CONFIDENT_THRESHOLD
    max_confident: int = 2
    crf: DenseCRF | None = None

    @classmethod
    def from_config(cls, config: dict) -> 'LabelRules':
        """From ``dict(background_cue=dict(type='saliency', threshold=50), threshold=0.2)``.

        ``crf=dict()`` is a dense CRF with its default constants.
        """
        config = dict(config)
        cue = BackgroundCue(**config.pop('background_cue'))
        return cls(cue, crf=DenseCRF.from_config(config.pop('crf', None)), **config)

    def to_config(self) -> dict:
        """The rules as a config with every value; it is part of the record of a label."""
        return asdict(self)

    def fuse(
        self,
        maps: np.ndarray,
        labels: tuple[int, ...],
        size: tuple[int, int],
        saliency: np.ndarray | None,
        img_path: str | Path,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The label of one image: its maps are resized to it and fused.

        Args:
            maps: Localization maps of the classes present, (K, h, w), float32.
            labels: Those classes, counted from 0: length K.
            size: Height and width of the image, and so of the label.
            saliency: Saliency map of that size, 0..255, where the cue needs one.
            img_path: The image; it is read for a CRF only.

        Returns:
            ``(written, evaluated)``, see :func:`~mmdrs.pseudo_labels.fusion.fuse_maps`.

        Raises:
            ValueError: If the saliency map is missing, or something is of another size.
        """
        return fuse_maps(
            resize_array(maps, size),
            labels,
            self.background_cue,
            saliency,
            self.threshold,
            self.confident,
            self.max_confident,
            self.crf,
            read_image(img_path, size) if self.crf else None,
        )
