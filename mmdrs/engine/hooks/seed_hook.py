"""Random numbers of the network (dropout) that follow from seed and iteration."""

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.hooks.hook import DATA_BATCH
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmdrs.datasets.seeding import SeededSampler, seed_generators


@HOOKS.register_module()
class SeedHook(Hook):
    """Seeds all generators before each training iteration by seed, iteration and process.

    Then neither an interruption nor what the data loader drew before has an effect on dropout.
    ``train_model`` adds it to every training.
    """

    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        """Give the sampler the seed of a resumed training, which its checkpoint knows."""
        sampler = runner.train_dataloader.sampler
        shared = not runner._randomness_cfg.get('diff_rank_seed')
        if shared and isinstance(sampler, SeededSampler):
            sampler.seed = sampler.sampler.seed = runner.seed

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: DATA_BATCH = None
    ) -> None:
        """Seed the generators of Python, NumPy and torch, on all devices."""
        # The last number keeps the keys apart from those of augmentations.
        seed_generators(runner.seed, runner.iter, get_rank(), 1)
        torch.manual_seed(torch.initial_seed())
