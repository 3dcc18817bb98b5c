"""What is fixed about PASCAL VOC 2012: its classes, its folders, the values of its masks."""

from pathlib import Path

import numpy as np

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.label_file import read_label

#: The names in the order of the values of a mask.
VOC_CLASSES = (
    *('background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat'),
    *('chair', 'cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant'),
    *('sheep', 'sofa', 'train', 'tvmonitor'),
)

IMAGES = 'JPEGImages'
MASKS = 'SegmentationClass'
AUG_MASKS = 'SegmentationClassAug'
ANNOTATIONS = 'Annotations'
LISTS = 'ImageSets/Segmentation'


def read_mask(path: Path, where: str) -> np.ndarray:
    """Read a mask PNG, (H, W) uint8; messages call it ``where``.

    Raises:
        InputError: If it is broken, or has colour channels instead of class indices.
    """
    try:
        return read_label(path)
    except (OSError, SyntaxError, ValueError) as error:  # PIL's PNG reader raises all of them
        raise InputError(f'{where}: not a readable mask ({error})') from error


def mask_values(mask: np.ndarray, where: str) -> list[int]:
    """Return the sorted values of a mask (H, W).

    Raises:
        InputError: If there are others than 0 (background), 1..20 (the classes) and 255
            (ignored); names the first of them after ``where``.
    """
    values = np.unique(mask).tolist()
    for value in values:
        if not 0 <= value < len(VOC_CLASSES) and value != IGNORE_LABEL:
            raise InputError(
                f'{where}: holds the value {value}; masks of VOC hold 0..{len(VOC_CLASSES) - 1} '
                f'and {IGNORE_LABEL}'
            )
    return values
