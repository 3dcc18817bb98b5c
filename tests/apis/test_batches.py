"""Whether a training has a batch."""

import pytest

from mmdrs.apis.batches import require_batch
from mmdrs.errors import InputError


def loader(size: int, drop: bool = True, sampler: str = 'DefaultSampler') -> dict:
    dataset = dict(type='ListedSegDataset', ann_file='train.txt')
    return dict(batch_size=size, drop_last=drop, sampler=dict(type=sampler), dataset=dataset)


def refusal(config: dict, images: int) -> str:
    """What the check says; '' where there is a batch."""
    try:
        require_batch(config, images)
    except InputError as error:
        return str(error)
    return ''


def test_fewer_images_than_a_batch() -> None:
    message = refusal(loader(4), 3)
    assert message.startswith("the list 'train.txt' has 3 images (for each process), fewer than a")
    assert 'give batch_size=3 or less (it is 4)' in message


@pytest.mark.parametrize(
    ('config', 'images', 'refused'),
    [
        (loader(4), 3, True),
        (loader(4), 4, False),
        (loader(4, drop=False), 3, False),  # the batch is not full
        (loader(4, sampler='InfiniteSampler'), 3, False),  # images are repeated
    ],
)
def test_which_trainings_have_no_batch(config: dict, images: int, refused: bool) -> None:
    assert bool(refusal(config, images)) == refused


def test_a_folder_of_classes_is_named() -> None:
    config = loader(4)
    config['dataset'] = dict(type='ImageLabelDataset', data_prefix=dict(img_path='photos'))
    assert refusal(config, 3).startswith("the list 'photos' has 3 images")
