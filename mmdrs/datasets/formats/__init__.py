"""Image-level labels in the formats in which others keep them."""

from mmdrs.datasets.formats.coco import coco_image_labels
from mmdrs.datasets.formats.image_labels import (
    Step,
    labels_from_list,
    labels_from_masks,
    labels_from_xml,
    write_label_list,
)
from mmdrs.datasets.formats.label_lists import (
    ImageLabels,
    read_class_folders,
    read_id_list,
    read_label_list,
)
from mmdrs.datasets.formats.npy_labels import read_npy_labels
from mmdrs.datasets.formats.voc import VOC_CLASSES

__all__ = [
    'VOC_CLASSES',
    'ImageLabels',
    'Step',
    'coco_image_labels',
    'labels_from_list',
    'labels_from_masks',
    'labels_from_xml',
    'read_class_folders',
    'read_id_list',
    'read_label_list',
    'read_npy_labels',
    'write_label_list',
]
