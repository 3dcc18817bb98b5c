"""What is checked of the config of a training before hours are spent."""

import inspect
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope, Registry
from mmseg.registry import HOOKS, LOOPS, MODELS, PARAM_SCHEDULERS, TRANSFORMS

from mmdrs.apis.quiet import quiet_log
from mmdrs.errors import InputError


def check_training(cfg: Config) -> None:
    """Build the parts of a training whose options may be wrong; no weights and images are read.

    Raises:
        Exception: What the parts raise on wrong options; see :func:`mmdrs.errors.blamed_on`.
    """
    scope = DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmseg'))
    with scope, quiet_log(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the training gives them again
        optimizer = build_optim_wrapper(MODELS.build(cfg.model), cfg.optim_wrapper)
        schedulers = cfg.get('param_scheduler') or []
        for config in [schedulers] if isinstance(schedulers, dict) else schedulers:
            _check_scheduler(dict(config), getattr(optimizer, 'optimizer', optimizer))
        for config in cfg.train_dataloader.dataset.get('pipeline', []):
            TRANSFORMS.build(config)
        hooks = [*(cfg.get('default_hooks') or {}).values(), *(cfg.get('custom_hooks') or [])]
        for config in filter(None, hooks):
            _check_hook({k: v for k, v in config.items() if k != 'priority'})
        if 'type' in cfg.train_cfg:  # else the runner chooses one
            loop = {**cfg.train_cfg, 'runner': None, 'dataloader': None}
            _check_names(_class(LOOPS, loop), loop)


def _class(registry: Registry, config: Mapping[str, Any]) -> type:
    kind = config['type']
    found = registry.get(kind) if isinstance(kind, str) else kind
    if found is None:
        raise InputError(f'there is no {kind!r} among the {registry.name}s')
    return found


def _check_names(kind: type, config: Mapping[str, Any]) -> None:
    """Check the names of the arguments of a class."""
    inspect.signature(kind).bind(**{k: v for k, v in config.items() if k != 'type'})


def _check_hook(config: Mapping[str, Any]) -> None:
    _check_names(_class(HOOKS, config), config)
    # Their values too; one that asks for the visualizer needs a runner, which comes later.
    with suppress(RuntimeError):
        HOOKS.build(dict(config))


def _check_scheduler(config: dict[str, Any], optimizer: Any) -> None:
    kind = _class(PARAM_SCHEDULERS, config)
    if config.pop('convert_to_iter_based', False):
        # How long an epoch is does not matter for the check.
        config = dict(config, epoch_length=100)
        kind = kind.build_iter_from_epoch
    kind(optimizer=optimizer, **{k: v for k, v in config.items() if k != 'type'})
