"""Pack image-level labels, localization maps and saliency maps for the model."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.datasets.transforms import PackSegInputs
from mmseg.registry import TRANSFORMS

from mmdrs.datasets.transforms.loading import LOCALIZATION_KEY, SALIENCY_KEY
from mmdrs.errors import InputError

_META_KEYS = ('img_id', 'map_path', 'saliency_path', 'segments_path')


@TRANSFORMS.register_module()
class PackDRSInputs(PackSegInputs):
    """``PackSegInputs`` that also packs the weak supervision that is present.

    Meta information: ``img_id``, ``map_path``, ``saliency_path``, ``segments_path``. Data fields:
    ``img_label``, float32 (num_classes - 1,), 1 for every foreground class in the image, else 0;
    ``gt_localization_map``, uint8 (num_classes - 1, H, W); ``saliency``, uint8 (1, H, W).
    MMSegmentation's batching does not pad the maps: give all images of a training batch one size.

    Args:
        extra_meta_keys: Further keys of the results to keep as meta information.
    """

    def __init__(self, extra_meta_keys: Sequence[str] = ()) -> None:
        super().__init__()
        self.meta_keys = (*self.meta_keys, *_META_KEYS, *extra_meta_keys)

    def transform(self, results: dict) -> dict:
        """Pack the results.

        Raises:
            InputError: If the localization maps are not of the image's size.
        """
        packed = super().transform(results)
        fields = {}
        if 'img_label' in results:
            fields['img_label'] = torch.as_tensor(results['img_label'], dtype=torch.float32)
        if LOCALIZATION_KEY in results:
            maps = results[LOCALIZATION_KEY]
            if maps.shape[:2] != results['img'].shape[:2]:
                raise InputError(
                    f'{results.get("img_path")}: localization maps (H, W) {maps.shape[:2]} and '
                    f'image {results["img"].shape[:2]} differ; pad with PadWithMaps, not Pad, and '
                    'load the maps before random crops'
                )
            # OpenCV drops the last axis of a single class.
            maps = maps[..., None] if maps.ndim == 2 else maps
            fields[LOCALIZATION_KEY] = _pixel_data(maps.transpose(2, 0, 1))
        if SALIENCY_KEY in results:
            fields[SALIENCY_KEY] = _pixel_data(results[SALIENCY_KEY][None])
        packed['data_samples'].set_data(fields)
        return packed


def _pixel_data(value: np.ndarray) -> PixelData:
    # Flipped arrays have negative strides, which torch refuses.
    return PixelData(data=torch.from_numpy(np.ascontiguousarray(value)))
