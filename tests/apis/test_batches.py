"""Whether a training has a batch."""

import pytest

from mmdrs.apis.batches import require_batch
from mmdrs.errors import InputError


def loader(size: int, drop: bool = True, sampler: str = 'DefaultSampler') -> dict:
    dataset = dict(type='ListedSegDataset', ann_file='train.txt')
    return dict(batch_size=size, drop_last=drop, sampler=dict(type=sampler), dataset=dataset)


def test_fewer_images_than_a_batch() -> None:
    with pytest.raises(InputError, match=r"'train.txt' has 3 images .* batch_size=3 or less .*4"):
        require_batch(loader(4), 3)


def test_there_is_a_batch() -> None:
    require_batch(loader(4), 4)
    require_batch(loader(4, drop=False), 3)  # the batch is not full
    require_batch(loader(4, sampler='InfiniteSampler'), 3)  # images are repeated
