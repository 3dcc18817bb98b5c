"""Images with image-level labels only: the input of weakly-supervised segmentation."""

from typing import ClassVar

from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS

from mmdrs.datasets.listed_dataset import ListedSegDataset


@DATASETS.register_module()
class ImageLabelDataset(ListedSegDataset):
    """Images with image-level labels; no masks are needed.

    The labels are in the list ``ann_file`` (``.txt`` or ``.csv``, see
    :func:`mmdrs.datasets.read_label_list`), or with ``class_folders=True`` they are the folders
    below ``data_prefix.img_path``. Each data info has them as ``img_label``: float32
    (num_classes - 1,), 1 for every foreground class in the image, else 0.

    ``data_prefix`` knows ``img_path`` (required), ``seg_map_path`` (masks, for scoring only),
    ``map_path`` (localization maps ``<id>.npz``), ``saliency_path`` (saliency maps) and
    ``segments_path`` (class-agnostic masks to merge into labels, see
    :func:`~mmdrs.pseudo_labels.segments_file.segments_path`). The other arguments are those of
    :class:`.ListedSegDataset`.

    Example:
        >>> dict(type='ImageLabelDataset', data_root='data/pets', ann_file='train.csv',
        ...      data_prefix=dict(img_path='images', saliency_path='saliency'),
        ...      metainfo=dict(classes=('background', 'cat', 'dog')), pipeline=[])
    """

    HINTS: ClassVar[dict[str, str]] = {
        **ListedSegDataset.HINTS,
        'seg_map_path': (
            'Masks serve for scoring only: correct data_prefix.seg_map_path, or leave it out.'
        ),
        'map_path': 'Run the stage that writes the localization maps, or correct this folder.',
        'saliency_path': (
            'Correct data_prefix.saliency_path; or leave it out and choose a background cue that '
            'needs no saliency maps.'
        ),
        'segments_path': (
            'Correct data_prefix.segments_path: each image has a file <id>.json or a folder <id> '
            'of PNGs; or leave it out, and `merge` of the pseudo labels.'
        ),
    }

    image_labels = True


@DATASETS.register_module()
class VOCImageLabelDataset(ImageLabelDataset):
    """:class:`ImageLabelDataset` with the 21 classes and the palette of PASCAL VOC."""

    METAINFO = PascalVOCDataset.METAINFO
