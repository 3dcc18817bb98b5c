"""Load localization and saliency maps, so that transforms treat them as masks."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS

from mmdrs.errors import InputError
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.image_file import read_saliency
from mmdrs.pseudo_labels.map_file import LocalizationMaps, read_maps

LOCALIZATION_KEY = 'gt_localization_map'
SALIENCY_KEY = 'saliency'
#: Fields that hold soft maps (0 where there is nothing), not class indices.
MAP_KEYS = (LOCALIZATION_KEY, SALIENCY_KEY)


@TRANSFORMS.register_module()
class LoadLocalizationMap(BaseTransform):
    """Load the localization maps of an image at the size that the image has here.

    Maps stored at 320 x 320 are therefore used as they are after ``Resize(scale=(320, 320))``, as
    in stage 2 of DRS; others are resized with aligned corners. Load them before crops and flips.

    Required keys: ``img``, ``img_label`` (float32, (num_classes - 1,)), ``map_path``. Added key:
    ``gt_localization_map``, uint8 (H, W, num_classes - 1), level 255 represents the value 1;
    classes that are not in the image are 0. Modified key: ``seg_fields``.
    """

    def transform(self, results: dict) -> dict:
        """Add the maps.

        Raises:
            MissingFileError: If there is no map file.
            InputError: If the maps are of another image size, of other classes than the image's
                labels, or loaded after a flip.
        """
        path = results['map_path']
        if results.get('flip'):
            raise InputError(f'{path}: put LoadLocalizationMap before RandomFlip')
        maps = read_maps(path)
        self._check(maps, results)
        height, width = results['img'].shape[:2]
        stacked = np.zeros((height, width, len(results['img_label'])), np.uint8)
        stacked[..., list(maps.labels)] = _levels(maps, (height, width)).transpose(1, 2, 0)
        return _add_field(results, LOCALIZATION_KEY, stacked)

    @staticmethod
    def _check(maps: LocalizationMaps, results: dict) -> None:
        path, size = results['map_path'], _image_size(results)
        if tuple(maps.original_size) != size:
            raise InputError(
                f'{path} was made from an image of {_by(maps.original_size)}, but '
                f'{results.get("img_path")} is {_by(size)} (width x height); make the maps again'
            )
        labels = tuple(np.flatnonzero(results['img_label']).tolist())
        num_classes = len(results['img_label'])
        # An image without labels has maps of its predicted classes.
        stale = bool(labels) and set(labels) != set(maps.labels)
        if stale or any(not 0 <= label < num_classes for label in maps.labels):
            raise InputError(
                f'{path} holds maps of the foreground classes {list(maps.labels)}, but the image '
                f'is labelled {list(labels)} of {num_classes}; make the maps again with this list'
            )


@TRANSFORMS.register_module()
class LoadSaliencyMap(BaseTransform):
    """Load the saliency map of an image, at the size of the image file.

    As with ``LoadAnnotations``, the map is resized with the image if loaded before ``Resize``
    (training), and keeps the size of the image file if loaded after it.

    Required keys: ``img``, ``saliency_path``. Added key: ``saliency``, uint8 (H, W), 255 is
    salient. Modified key: ``seg_fields``.
    """

    def transform(self, results: dict) -> dict:
        """Add the map.

        Raises:
            MissingFileError: If there is no map file.
            InputError: If it is not a readable picture, or not of the image's size.
        """
        saliency = read_saliency(results['saliency_path'], _image_size(results))
        return _add_field(results, SALIENCY_KEY, saliency)


def _levels(maps: LocalizationMaps, size: tuple[int, int]) -> np.ndarray:
    """The levels (K, *size) with 255 for the value 1; values above 1 become 255."""
    if maps.scale == 1 and maps.values.shape[1:] == size:
        return maps.values
    levels = resize_array(maps.values.astype(np.float32) * np.float32(maps.scale), size)
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def _image_size(results: dict) -> tuple[int, int]:
    """Height and width of the image file."""
    shape = results.get('ori_shape', results['img'].shape)
    return int(shape[0]), int(shape[1])


def _add_field(results: dict, key: str, value: np.ndarray) -> dict:
    results[key] = value
    if key not in results.setdefault('seg_fields', []):
        results['seg_fields'].append(key)
    return results


def _by(size: tuple[int, ...]) -> str:
    return f'{size[1]} x {size[0]}'
