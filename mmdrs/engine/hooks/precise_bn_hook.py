"""Precise batch norm: statistics of suppressed features, for trainings with frozen ones."""

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.dist import all_reduce_params
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmdrs.errors import InputError
from mmdrs.models.layers.drs import SuppressionLayer


@HOOKS.register_module()
class PreciseBNHook(Hook):
    """Computes frozen BN statistics anew, for the features that DRS has suppressed.

    ``custom_hooks=[dict(type='PreciseBNHook')]``, for backbones with ``norm_eval=True``:
    their running means and variances belong to the features of the pretrained network, with their
    peaks. Before the first iteration, batches of the training data run through the network with
    DRS at full strength, and the batch norms after the first DRS layer take the average statistics
    of these batches (precise BN; Wu and Johnson, arXiv 2105.07576, section 3). No weight changes.
    The new statistics stay frozen in the training, and checkpoints hold them. A resumed training
    takes those of its checkpoint.

    Batch norms before the first DRS layer see the features they were trained on, and those that
    the training updates anyway (of a head, for instance) adapt by themselves: both are left alone.

    Args:
        num_batches: Batches of the training's size, for each process; at most one epoch.
        after_drs: Whether to leave the batch norms before the first DRS layer alone. False takes
            all frozen ones, also of a network without DRS: for one whose strides and dilations are
            not those it was pretrained with.

    Raises:
        ValueError: If ``num_batches`` is not positive. When a training begins: if there is no
            such batch norm.
    """

    def __init__(self, num_batches: int = 100, after_drs: bool = True) -> None:
        if not isinstance(num_batches, int) or num_batches < 1:
            raise InputError(f'PreciseBNHook: num_batches must be 1, 2, ..., got {num_batches!r}')
        self.num_batches = num_batches
        self.after_drs = after_drs

    def before_train(self, runner: Runner) -> None:
        """Set the statistics, unless the training is resumed."""
        if runner.iter > 0:
            return
        # Not through the wrapper of DDP, which would wait for a backward pass.
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        mode = model.training
        model.train()
        batches = _batches(runner, self.num_batches)
        norms = frozen_norms(model, next(batches), self.after_drs)
        used = update_statistics(model, norms, batches)
        model.train(mode)
        print_log(
            f'PreciseBNHook: {len(norms)} batch norms have the statistics of {used} batches',
            logger='current',
        )


def _batches(runner: Runner, count: int) -> Iterator[dict[str, Any]]:
    """``count`` batches of the training, at most an epoch; the first one comes twice."""
    # A loader of its own: the training's begins with its first batch, also when it is resumed.
    config = dict(runner.cfg.train_dataloader, persistent_workers=False)
    config['dataset'] = runner.train_loop.dataloader.dataset
    loader = runner.build_dataloader(config, seed=runner.seed)
    source = iter(loader)
    first = next(source)
    yield copy.deepcopy(first)  # the preprocessor pads masks in place
    yield first
    yield from itertools.islice(source, min(count, len(loader)) - 1)


def _forward(model: nn.Module, batch: dict[str, Any]) -> None:
    """Run a training's forward pass, all heads included, without gradients."""
    with torch.no_grad():
        data = model.data_preprocessor(batch, training=True)
        model(**data, mode='loss')


def frozen_norms(model: nn.Module, batch: dict[str, Any], after_drs: bool) -> list[_BatchNorm]:
    """The batch norms that run in a training's forward pass with frozen statistics.

    Args:
        model: The segmentor, in training mode.
        batch: A batch as the data loader gives it; it is run through the model once.
        after_drs: Only those that run after the first DRS layer.

    Raises:
        ValueError: If there are none.
    """
    ran: list[nn.Module] = []
    handles = [
        module.register_forward_hook(lambda module, inputs, output: ran.append(module))
        for module in model.modules()
        if isinstance(module, (SuppressionLayer, _BatchNorm))
    ]
    updated = _updated_norms(model)
    _set_training(updated, False)  # this pass is for the order alone
    _forward(model, batch)
    _set_training(updated, True)
    for handle in handles:
        handle.remove()
    if after_drs:
        ran = list(itertools.dropwhile(lambda m: not isinstance(m, SuppressionLayer), ran))
    norms = [m for m in dict.fromkeys(ran) if isinstance(m, _BatchNorm) and m not in updated]
    if not norms:
        raise InputError(
            'PreciseBNHook: no batch norm '
            f'{"after a DRS layer " if after_drs else ""}has frozen statistics in training '
            '(norm_eval=True of a backbone freezes them); remove the hook'
        )
    return norms


def _updated_norms(model: nn.Module) -> list[_BatchNorm]:
    """The batch norms that take the statistics of every batch; the others have frozen ones."""
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    return [m for m in norms if m.training or m.running_mean is None]


def _set_training(modules: list[_BatchNorm], mode: bool) -> None:
    for module in modules:
        module.train(mode)


def update_statistics(
    model: nn.Module, norms: list[_BatchNorm], batches: Iterator[dict[str, Any]]
) -> int:
    """Give batch norms the means and variances of their inputs, averaged over the batches.

    In several processes it is the average over all of them.

    Args:
        model: The segmentor, in training mode; other statistics than those of ``norms`` stay.
        norms: The batch norms.
        batches: Batches as the data loader gives them.

    Returns:
        The number of batches.
    """
    updated = _updated_norms(model)
    momenta = [norm.momentum for norm in norms]
    _set_training(updated, False)
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    _set_training(norms, True)
    count = 0
    for batch in batches:
        _forward(model, batch)
        count += 1
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    _set_training(norms, False)
    _set_training(updated, True)
    all_reduce_params(
        [s for norm in norms for s in (norm.running_mean, norm.running_var)], op='mean'
    )
    return count
