"""What is fixed about PASCAL VOC 2012: its classes, its folders, the values of its masks."""

import numpy as np
from mmseg.datasets import PascalVOCDataset

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL

#: The names in the order of the values of a mask.
VOC_CLASSES = PascalVOCDataset.METAINFO['classes']

IMAGES = 'JPEGImages'
MASKS = 'SegmentationClass'
AUG_MASKS = 'SegmentationClassAug'
ANNOTATIONS = 'Annotations'
LISTS = 'ImageSets/Segmentation'


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
