"""The localization maps that a training batch brings along."""

import torch
from mmseg.utils import SampleList
from torch import Tensor

from mmdrs.errors import InputError


def map_levels(samples: SampleList, head: str) -> Tensor:
    """The maps ``gt_localization_map`` of a batch: (N, K, H, W), uint8 levels.

    Args:
        samples: The data samples.
        head: Name of the head that needs them, for the error.

    Raises:
        InputError: If a sample has none.
    """
    for sample in samples:
        if 'gt_localization_map' not in sample:
            raise InputError(
                f'{head} needs the localization maps of {sample.get("img_path")}: set '
                'data_prefix.map_path and add LoadLocalizationMap and PackDRSInputs to the '
                'pipeline'
            )
    return torch.stack([sample.get('gt_localization_map').data for sample in samples])
