"""From the archives that others publish to the folders and lists of this project."""

from .archives import CheckedTar
from .coco import coco_image_labels
from .image_labels import (
    LabelDifference,
    LabelSummary,
    compare,
    labels_from_list,
    labels_from_masks,
    labels_from_xml,
    summarize,
    write_label_list,
)
from .npy_labels import read_npy_labels
from .saliency import check_saliency
from .staging import StagedDataset
from .voc import VOC_CLASSES
from .voc_aug import TRAIN_AUG_SIZE, PreparedVOC, prepare_voc_aug, read_sbd_mask

__all__ = [
    'TRAIN_AUG_SIZE',
    'VOC_CLASSES',
    'CheckedTar',
    'LabelDifference',
    'LabelSummary',
    'PreparedVOC',
    'StagedDataset',
    'check_saliency',
    'coco_image_labels',
    'compare',
    'labels_from_list',
    'labels_from_masks',
    'labels_from_xml',
    'prepare_voc_aug',
    'read_npy_labels',
    'read_sbd_mask',
    'summarize',
    'write_label_list',
]
