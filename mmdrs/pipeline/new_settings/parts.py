"""Which images are trained on, and which are scored on or segmented."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmdrs.datasets.label_formats.labelled import LabelledImages
from mmdrs.datasets.label_formats.splitting import drawn_split, given_split
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError
from mmdrs.pipeline.new_settings.survey import MapFolder, image_id

#: Share of the images that is kept for scores where there are masks.
SHARE = 0.2


@dataclass(frozen=True)
class Parts:
    """Training and validation images.

    Attributes:
        train: To train on.
        val: To score on where there are masks, else to segment; may be empty.
        left_out: Test images of a source that has validation images as well.
        train_masks: Whether all training images have masks, to score maps and labels with.
        val_masks: Whether all validation images have masks.
    """

    train: Sequence[ImageLabels]
    val: Sequence[ImageLabels]
    left_out: int
    train_masks: bool
    val_masks: bool


def choose_parts(
    labelled: LabelledImages, masks: MapFolder | None, share: float | None, seed: int
) -> Parts:
    """Choose the images of each part.

    The parts of the source are kept. Else ``share`` of the images is drawn for validation; where
    it is not given, a fifth if there are masks, of the images that have one, and none without.

    Raises:
        InputError: If a share is given for a source that has parts.
    """
    given = given_split(labelled)
    train, val = given['train'], given['val']
    masked = masks.ids if masks and not masks.fault else frozenset()
    if val and share is not None:
        raise InputError('the source has images for validation already; leave out --split')
    if not val and (share or (share is None and masked)):
        wanted = [image for image in train if not masked or image_id(image) in masked]
        drawn = min(0.5, (SHARE if share is None else share) * len(train) / len(wanted))
        val = drawn_split(wanted, drawn if masked else share or 0, seed)[1]
        kept = {image.id for image in val}
        train = [image for image in train if image.id not in kept]
    covered = [bool(part) and masked >= {*map(image_id, part)} for part in (train, val)]
    return Parts(train, val, len(given['test']), *covered)
