"""Augmentations that follow from the seed and the place in the training, not from the worker."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_dist_info
from mmseg.registry import DATA_SAMPLERS, DATASETS
from torch.utils.data import Dataset, Sampler

from mmdrs.datasets.wrappers import name_files_in_errors


def seed_generators(*key: int) -> None:
    """Seed the generators of Python, NumPy and torch (on the CPU) with a hash of some numbers."""
    words = np.random.SeedSequence(key).generate_state(3)
    random.seed(int(words[0]))
    np.random.seed(words[1])
    # Not torch.manual_seed, which would start CUDA's generators as well.
    torch.default_generator.manual_seed(int(words[2]))


@contextmanager
def seeded(*key: int) -> Iterator[None]:
    """Seed the generators for a block, and give them back their states after it."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    seed_generators(*key)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


class SeededIndex(int):
    """The index of an image, with the key of the random numbers of its augmentations."""

    key: tuple[int, ...]

    def __new__(cls, index: int, key: tuple[int, ...]) -> 'SeededIndex':
        made = super().__new__(cls, index)
        made.key = key
        return made

    def __reduce__(self) -> tuple[type, tuple[int, tuple[int, ...]]]:
        return type(self), (int(self), self.key)


@DATA_SAMPLERS.register_module()
class SeededSampler(Sampler):
    """Gives each index of another sampler a key: seed, epoch, and place in the epoch.

    The place counts the images of all processes, which take turns in MMEngine's samplers. So the
    key is the same for every number of processes and of workers, and after a resume. An infinite
    sampler has one epoch.

    Args:
        sampler: Config of the other sampler.
        dataset: What is sampled.
        seed: Of the run; MMEngine gives it.
    """

    def __init__(self, sampler: Mapping[str, Any], dataset: Dataset, seed: int | None) -> None:
        defaults = dict(dataset=dataset, seed=seed)
        self.sampler = DATA_SAMPLERS.build(dict(sampler), default_args=defaults)
        # Without a seed, it has drawn one that all processes share.
        self.seed = getattr(self.sampler, 'seed', seed) or 0
        self.epoch = self.skipped = 0
        self.rank, self.world_size = get_dist_info()
        if hasattr(self.sampler, 'skip'):  # MMEngine looks for it
            self.skip = self._skip

    def __iter__(self) -> Iterator[SeededIndex]:
        for number, index in enumerate(self.sampler, self.skipped):
            place = number * self.world_size + self.rank
            yield SeededIndex(index, (self.seed, self.epoch, place))

    def __len__(self) -> int:
        return len(self.sampler)

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch, with another order and other augmentations."""
        self.epoch = epoch
        if hasattr(self.sampler, 'set_epoch'):
            self.sampler.set_epoch(epoch)

    def _skip(self, num_samples: int) -> None:
        """Leave out images that an interrupted training has seen."""
        self.sampler.skip(num_samples)
        self.skipped = num_samples


@DATASETS.register_module()
class SeededDataset(Dataset):
    """Loads each image with the random numbers of its :class:`.SeededIndex`.

    Args:
        dataset: Config of the data set.
    """

    def __init__(self, dataset: Mapping[str, Any]) -> None:
        self.dataset = DATASETS.build(dict(dataset))
        name_files_in_errors(self.dataset)

    @property
    def metainfo(self) -> dict[str, Any]:
        """That of the data set."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Load the list, where MMEngine asks for it."""
        self.dataset.full_init()

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Load an image."""
        with seeded(*getattr(index, 'key', (0, 0, int(index)))):
            return self.dataset[int(index)]
