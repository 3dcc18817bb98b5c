"""Datasets of image-level labels and of pseudo labels, and their transforms."""

from mmdrs.datasets.image_label_dataset import ImageLabelDataset, VOCImageLabelDataset
from mmdrs.datasets.label_formats.class_folders import read_class_folders
from mmdrs.datasets.label_lists import ImageLabels, read_id_list, read_label_list
from mmdrs.datasets.pseudo_label_dataset import PseudoLabelDataset, VOCPseudoLabelDataset
from mmdrs.datasets.seeding import SeededDataset, SeededSampler
from mmdrs.datasets.transforms import (
    ColorJitter,
    LoadLocalizationMap,
    LoadSaliencyMap,
    PackDRSInputs,
    PadWithMaps,
    RandomScale,
    ResizeWithMaps,
    SetOutputShape,
)

__all__ = [
    'ColorJitter',
    'ImageLabelDataset',
    'ImageLabels',
    'LoadLocalizationMap',
    'LoadSaliencyMap',
    'PackDRSInputs',
    'PadWithMaps',
    'PseudoLabelDataset',
    'RandomScale',
    'ResizeWithMaps',
    'SeededDataset',
    'SeededSampler',
    'SetOutputShape',
    'VOCImageLabelDataset',
    'VOCPseudoLabelDataset',
    'read_class_folders',
    'read_id_list',
    'read_label_list',
]
