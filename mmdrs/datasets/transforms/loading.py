"""Load localization maps and saliency maps, so that they go through the pipeline as masks do."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmseg.registry import TRANSFORMS
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.map_file import LocalizationMaps, read_maps

LOCALIZATION_KEY = 'gt_localization_map'
SALIENCY_KEY = 'saliency'
MAP_KEYS = (LOCALIZATION_KEY, SALIENCY_KEY)
"""Fields that hold soft maps (0 where there is nothing), not class indices."""


@TRANSFORMS.register_module()
class LoadLocalizationMap(BaseTransform):
    """Load the localization maps of an image at the size that the image has at this place.

    Behind ``Resize(scale=(320, 320))``, maps stored at 320 x 320 are therefore used as they are,
    as in stage 2 of DRS. Load them before any crop or flip.

    Required keys: ``img``, ``img_label`` (float32, (num_classes - 1,)), ``map_path``. Added key:
    ``gt_localization_map``, uint8 (H, W, num_classes - 1), level 255 stands for the value 1;
    classes that are not in the image are 0. Modified key: ``seg_fields``.
    """

    def transform(self, results: dict) -> dict:
        """Add the maps.

        Raises:
            FileNotFoundError: If there is no map file.
            ValueError: If the maps are of another image size, of other classes than the image's
                labels, or loaded behind a flip.
        """
        path = results['map_path']
        if results.get('flip'):
            raise InputError(f'{path}: put LoadLocalizationMap before RandomFlip')
        maps = read_maps(path)
        self._check(maps, results)
        height, width = results['img'].shape[:2]
        stacked = np.zeros((height, width, len(results['img_label'])), np.uint8)
        for label, level in zip(maps.labels, self._levels(maps), strict=True):
            if level.shape != (height, width):
                level = cv2.resize(level, (width, height), interpolation=cv2.INTER_LINEAR)
            stacked[..., label] = level
        return _add_field(results, LOCALIZATION_KEY, stacked)

    @staticmethod
    def _levels(maps: LocalizationMaps) -> np.ndarray:
        """The levels with 255 for the value 1; values above 1 become 255."""
        if maps.scale == 1:
            return maps.values
        levels = np.rint(maps.values * np.float32(maps.scale))
        return np.clip(levels, 0, 255).astype(np.uint8)

    @staticmethod
    def _check(maps: LocalizationMaps, results: dict) -> None:
        path, size = results['map_path'], original_size(results)
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

    As with ``LoadAnnotations``, the place decides: before ``Resize`` the map follows the image
    (training), behind it the map keeps the original size (making pseudo labels).

    Required keys: ``img``, ``saliency_path``. Added key: ``saliency``, uint8 (H, W), 255 is
    salient. Modified key: ``seg_fields``.
    """

    def transform(self, results: dict) -> dict:
        """Add the map.

        Raises:
            FileNotFoundError: If there is no map file.
            ValueError: If it is not a readable picture, or not of the image's size.
        """
        path = results['saliency_path']
        try:
            with Image.open(path) as picture:
                saliency = np.array(picture.convert('L'))
        except FileNotFoundError:
            raise
        except (OSError, SyntaxError) as error:
            raise InputError(f'{path} is not a readable saliency map ({error})') from error
        size = original_size(results)
        if saliency.shape != size:
            raise InputError(
                f'saliency map {path} is {_by(saliency.shape)}, but its image '
                f'{results.get("img_path")} is {_by(size)} (width x height)'
            )
        return _add_field(results, SALIENCY_KEY, saliency)


def original_size(results: dict) -> tuple[int, int]:
    """Height and width of the image file, which ``SetOutputShape`` keeps in another key."""
    shape = results.get('original_size', results.get('ori_shape', results['img'].shape))
    return int(shape[0]), int(shape[1])


def _add_field(results: dict, key: str, value: np.ndarray) -> dict:
    results[key] = value
    if key not in results.setdefault('seg_fields', []):
        results['seg_fields'].append(key)
    return results


def _by(size: tuple[int, ...]) -> str:
    return f'{size[1]} x {size[0]}'
