"""Precise batch norm: frozen BN statistics computed anew for suppressed features."""

import copy
import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from mmengine.dist import all_reduce_params
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import BaseModel, is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmdrs.errors import InputError
from mmdrs.models.layers.drs import SuppressionLayer


@HOOKS.register_module()
class PreciseBNHook(Hook):
    """Computes frozen BN statistics anew, for the features that DRS has suppressed.

    ``custom_hooks=[dict(type='PreciseBNHook')]``, for backbones with ``norm_eval=True``, whose
    statistics are those of the pretrained network's features with their peaks. Before the first
    iteration, training batches run through the network with DRS at full strength. The batch norms
    after the first DRS layer take the average statistics of these batches (precise BN; Wu and
    Johnson, arXiv 2105.07576, section 3). No weight changes. The new statistics stay frozen in
    the training, and checkpoints hold them; a resumed training takes those of its checkpoint.

    Batch norms before the first DRS layer see the features they were trained on, and those that
    the training updates (of a head, for instance) adapt by themselves: both stay as they are.

    Args:
        num_batches: Batches of the training's size, for each process; at most one epoch.
        after_drs: False takes all frozen batch norms, also in a network without DRS: for one
            whose strides and dilations are not those it was pretrained with.

    Where no batch norm is frozen, the hook warns and changes nothing.

    Raises:
        InputError: If ``num_batches`` is not positive.
    """

    def __init__(self, num_batches: int = 100, after_drs: bool = True) -> None:
        if not isinstance(num_batches, int) or num_batches < 1:
            raise InputError(f'PreciseBNHook: num_batches must be 1, 2, ..., got {num_batches!r}')
        self.num_batches = num_batches
        self.after_drs = after_drs

    def before_train(self, runner: Runner) -> None:
        if runner.iter > 0:
            return
        # Without DDP's wrapper, which would wait for a backward pass.
        wrapped = is_model_wrapper(runner.model)
        model = cast(BaseModel, runner.model.module if wrapped else runner.model)
        mode = model.training
        model.train()
        batches = _batches(runner, self.num_batches)
        norms = frozen_norms(model, next(batches), self.after_drs)
        used = update_statistics(model, norms, batches) if norms else 0
        model.train(mode)
        if norms:
            found = f'{len(norms)} batch norms have the statistics of {used} batches'
            print_log(f'PreciseBNHook: {found}', logger='current')
        else:
            where = 'after a DRS layer ' if self.after_drs else ''
            print_log(
                f'PreciseBNHook changes nothing: no batch norm {where}has frozen statistics in '
                'training (norm_eval=True of a backbone freezes them)',
                logger='current',
                level=logging.WARNING,
            )


def _batches(runner: Runner, count: int) -> Iterator[dict[str, Any]]:
    """``count`` training batches, at most an epoch; the first one comes twice."""
    # A loader of its own: the training's begins with its first batch, also when it is resumed.
    dataset = runner.train_dataloader.dataset
    config = dict(cast(dict, runner._train_dataloader), persistent_workers=False, dataset=dataset)
    loader = runner.build_dataloader(config, seed=runner.seed)
    source = iter(loader)
    first = next(source)
    yield copy.deepcopy(first)  # the preprocessor pads masks in place
    yield first
    yield from itertools.islice(source, min(count, len(loader)) - 1)


def _forward(model: BaseModel, batch: dict[str, Any]) -> None:
    """Run the training's forward pass, all heads included."""
    with torch.no_grad():
        data = model.data_preprocessor(batch, training=True)
        model(**data, mode='loss')


def frozen_norms(model: BaseModel, batch: dict[str, Any], after_drs: bool) -> list[_BatchNorm]:
    """The batch norms that run with frozen statistics in the training's forward pass.

    Args:
        model: The segmentor, in training mode.
        batch: A batch of the data loader, run through the model once.
        after_drs: Only those that run after the first DRS layer.
    """
    ran: list[nn.Module] = []
    handles = [
        module.register_forward_hook(lambda module, inputs, output: ran.append(module))
        for module in model.modules()
        if isinstance(module, (SuppressionLayer, _BatchNorm))
    ]
    with _not_updating(model) as updated:
        _forward(model, batch)
    for handle in handles:
        handle.remove()
    if after_drs:
        ran = list(itertools.dropwhile(lambda m: not isinstance(m, SuppressionLayer), ran))
    return [m for m in dict.fromkeys(ran) if isinstance(m, _BatchNorm) and m not in updated]


@contextmanager
def _not_updating(model: nn.Module) -> Iterator[list[_BatchNorm]]:
    """Stop the updates of all batch norms; yields those whose statistics are not frozen."""
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    updated = [m for m in norms if m.training or m.running_mean is None]
    for norm in updated:
        norm.eval()
    yield updated
    for norm in updated:
        norm.train()


def update_statistics(
    model: BaseModel, norms: list[_BatchNorm], batches: Iterator[dict[str, Any]]
) -> int:
    """Set ``norms`` to the mean and variance of their inputs, averaged over batches and processes.

    Args:
        model: The segmentor, in training mode. Its other batch norms do not change.
        norms: Batch norms with frozen statistics.
        batches: Batches of the data loader.

    Returns:
        The number of batches.
    """
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    count = 0
    with _not_updating(model):
        for norm in norms:
            norm.train()
        for batch in batches:
            _forward(model, batch)
            count += 1
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
    statistics = [s for norm in norms for s in (norm.running_mean, norm.running_var)]
    all_reduce_params(statistics, op='mean')
    return count
