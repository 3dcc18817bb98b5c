"""Whether a training has a batch at all."""

import math
from collections.abc import Mapping
from typing import Any

from mmengine.dist import get_world_size

from mmdrs.datasets.wrappers import leaf_datasets
from mmdrs.errors import InputError


def require_batch(loader: Mapping[str, Any], images: int) -> None:
    """Check that a training by epochs has a batch: one without would end at once, as if trained.

    Args:
        loader: Config of the loader.
        images: Images of its data set.

    Raises:
        InputError: If there are fewer images than a batch, and batches that are not full are
            dropped; names the list and both numbers.
    """
    size = loader['batch_size']
    if not loader.get('drop_last') or 'Infinite' in str(loader['sampler']['type']):
        return
    own = math.ceil(images / get_world_size())
    if own < size:
        dataset = leaf_datasets(loader['dataset'])[0]
        listed = dataset.get('ann_file') or (dataset.get('data_prefix') or {}).get('img_path')
        raise InputError(
            f"the list '{listed}' has {own} images (for each process), fewer than a batch: give "
            f'batch_size={own} or less (it is {size}), or more images'
        )
