"""Images with label PNGs: pseudo labels for training, or ground-truth masks for validation."""

from collections.abc import Mapping
from typing import Any, ClassVar

from mmseg.datasets import PascalVOCDataset
from mmseg.registry import DATASETS

from mmdrs.datasets.listed_dataset import ListedSegDataset


@DATASETS.register_module()
class PseudoLabelDataset(ListedSegDataset):
    """Images with labels per pixel: 0 background, 1.. the classes, 255 ignored.

    The list ``ann_file`` may be the one with image-level labels: only the ids are read, unless
    ``image_labels`` is set. ``data_prefix`` knows ``img_path`` and ``seg_map_path``, both
    required (the second not with ``test_mode=True``); the label of an image is the 8-bit PNG
    ``<id>.png``.

    Args:
        ann_file: List of images; '' with ``class_folders``.
        data_prefix: The folders ``img_path`` and ``seg_map_path``.
        metainfo: ``classes``, 'background' first, and optionally ``palette``.
        image_labels: Read the image-level labels as well; each data info then has ``img_label``
            as in :class:`ImageLabelDataset`.
        **kwargs: Of :class:`.ListedSegDataset`.
    """

    HINTS: ClassVar[dict[str, str]] = {
        **ListedSegDataset.HINTS,
        'seg_map_path': (
            'Run the pseudo-label stage for this list, or correct data_prefix.seg_map_path.'
        ),
    }
    REQUIRED: tuple[str, ...] = ('img_path', 'seg_map_path')

    def __init__(
        self,
        ann_file: str = '',
        data_prefix: Mapping[str, str | None] | None = None,
        metainfo: dict | None = None,
        image_labels: bool = False,
        **kwargs: Any,
    ) -> None:
        self.image_labels = image_labels
        if kwargs.get('test_mode'):
            self.REQUIRED = ('img_path',)  # predictions need no labels
        super().__init__(ann_file, data_prefix, metainfo, **kwargs)


@DATASETS.register_module()
class VOCPseudoLabelDataset(PseudoLabelDataset):
    """:class:`PseudoLabelDataset` with the 21 classes and the palette of PASCAL VOC."""

    METAINFO = PascalVOCDataset.METAINFO
