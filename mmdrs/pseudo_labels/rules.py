"""How localization maps become pseudo labels: the rules as a config, and one image by them."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mmdrs.errors import InputError, check_keys
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.constants import CONFIDENT_THRESHOLD, MAP_THRESHOLD
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue, build_cue, check_size, fuse_maps
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.par import PAR
from mmdrs.pseudo_labels.segments import SegmentMerging, Segments
from mmdrs.pseudo_labels.steps import IMPORT_HINT, Cue, MapRefinement, build_step
from mmdrs.registry import MAP_REFINEMENTS


@dataclass(frozen=True)
class LabelRules:
    """How maps become labels.

    The arguments of :func:`~mmdrs.pseudo_labels.fusion.fuse_maps`; ``refine``, which changes the
    maps before them; and ``merge``, which changes the label after them.
    """

    background_cue: Cue = field(default_factory=BackgroundCue)
    threshold: float = MAP_THRESHOLD
    confident: float = CONFIDENT_THRESHOLD
    max_confident: int = 2
    crf: DenseCRF | None = None
    refine: MapRefinement | None = None
    merge: SegmentMerging | None = None

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> 'LabelRules':
        """From ``dict(background_cue=dict(type='saliency', threshold=50), threshold=0.2)``.

        ``crf=dict()`` is a dense CRF with its default constants, ``refine=dict(type='PAR')``
        pixel-adaptive refinement, ``merge=dict(type='SegmentMerging')`` the merging of masks.

        Raises:
            InputError: If a key is unknown, or a value cannot be used.
        """
        check_keys('pseudo_labels', config, cls.__dataclass_fields__)
        config = dict(config)
        cue = build_cue(config.pop('background_cue', {}))
        crf = DenseCRF.from_config(config.pop('crf', None))
        refine = config.pop('refine', None)
        if refine is not None:
            kinds, usual = MAP_REFINEMENTS.module_dict, PAR.__name__
            refine = build_step(kinds, 'pseudo_labels.refine', refine, usual, IMPORT_HINT)
        elif cue.refined:
            raise InputError(
                'background_cue: `refined` needs a refinement of the maps: give '
                "pseudo_labels.refine=dict(type='PAR'), or leave it out"
            )
        merge = SegmentMerging.from_config(config.pop('merge', None))
        return cls(cue, crf=crf, refine=refine, merge=merge, **config)

    @property
    def needs_image(self) -> bool:
        """Whether a label depends on the image itself."""
        return self.crf is not None or self.refine is not None or self.background_cue.needs_image

    def to_config(self) -> dict[str, Any]:
        """The rules as a config with every value, for the records of scores.

        Without ``merge`` where there is none: the fingerprints of earlier scores do not name it.
        """
        values = dict(asdict(self), background_cue=self.background_cue.to_config())
        if self.refine is not None:
            values['refine'] = self.refine.to_config()
        if self.merge is None:
            del values['merge']
        return values

    def deciding(self) -> dict[str, Any]:
        """The values that decide what a label is, for its record and the fingerprint of its stage.

        The sources of saliency maps and merged masks are left out: they are texts about them.
        Labels that were made before one was given, or corrected, are the same, as are networks
        trained on them; only scores are recorded anew. What maps and masks hold counts by the
        digest of each file.
        """
        values = dict(self.to_config(), background_cue=self.background_cue.deciding())
        if values['refine'] is None:  # labels of earlier versions do not name it
            del values['refine']
        if self.merge is not None:
            values['merge'] = self.merge.deciding()
        return values

    def fuse(
        self,
        maps: np.ndarray,
        labels: tuple[int, ...],
        size: tuple[int, int],
        saliency: np.ndarray | None,
        img_path: str | Path,
        segments: Segments | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Resize the maps (K, h, w) of one image to its ``size`` (height, width), and fuse them.

        See :func:`~mmdrs.pseudo_labels.fusion.fuse_maps`; the image is read where it is needed.
        With ``merge``, the masks ``segments`` are merged into both labels, each by itself.

        Raises:
            InputError: If the saliency map or the masks to merge are missing, or something is of
                another size.
        """
        if self.merge is not None and segments is None:
            raise InputError(f'{img_path}: `merge` of the pseudo labels needs the masks to merge')
        image = read_image(img_path, size) if self.needs_image else None
        maps = resize_array(maps, size)
        if self.refine is not None and image is not None:
            maps, saliency = self._refined(self.refine, image, maps, saliency)
        made = fuse_maps(
            maps,
            labels,
            self.background_cue,
            saliency,
            self.threshold,
            self.confident,
            self.max_confident,
            self.crf,
            image,
        )
        if self.merge is None or segments is None:
            return made
        written, evaluated = (self.merge.merge(label, segments) for label in made)
        return written, evaluated

    def _refined(
        self,
        refine: MapRefinement,
        image: np.ndarray,
        maps: np.ndarray,
        saliency: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Refine maps (K, H, W), and the saliency map (H, W), 0..255, where the cue says so."""
        if not self.background_cue.refined:
            return refine.refine(image, maps), saliency
        share = check_size(saliency, maps).astype(np.float32)[None] / 255
        refined = refine.refine(image, np.concatenate([share, maps]))
        return refined[1:], 255 * refined[0]
