"""What is checked of the config of a training before hours are spent."""

import inspect
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from mmengine.config import Config
from mmengine.dist import get_world_size
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope, Registry
from mmseg.registry import HOOKS, LOOPS, MODELS, PARAM_SCHEDULERS, TRANSFORMS

from mmdrs.apis.batches import require_batch
from mmdrs.apis.checkpoint import check_pretrained
from mmdrs.apis.quiet import quiet_log
from mmdrs.apis.trial_batch import try_batch
from mmdrs.errors import InputError, blamed_on


def check_training(cfg: Config, images: int | None = None, initialised: bool = True) -> None:
    """Build the parts of a training whose options may be wrong, and run a batch of random images.

    Args:
        cfg: Config of the training.
        images: Images of its list; None: unknown.
        initialised: Whether it starts from the weights of ``init_cfg``, which must fit then.

    Raises:
        Exception: What the parts raise on wrong options; see :func:`mmdrs.errors.blamed_on`.
    """
    scope = DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmseg'))
    with scope, quiet_log(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the training gives them again
        model = MODELS.build(cfg.model)
        if initialised:
            check_pretrained(model, download=False)
        optimizer = build_optim_wrapper(model, cfg.optim_wrapper)
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
        smallest = _smallest_batch(cfg.train_dataloader, images)
        with blamed_on('a batch of random images fails'), _batch_norm_of_one(smallest):
            try_batch(model, cfg, smallest)


def _smallest_batch(loader: Mapping[str, Any], images: int | None) -> int:
    """1 where a batch of the training holds one image, else 2.

    Raises:
        InputError: If there are fewer images than a batch, and so no batch.
    """
    size, by_epoch = loader['batch_size'], 'Infinite' not in str(loader['sampler']['type'])
    if images is None or not by_epoch:
        return min(size, 2)
    require_batch(loader, images)
    images = math.ceil(images / get_world_size())
    return 1 if size == 1 or (images % size == 1 and not loader.get('drop_last')) else 2


@contextmanager
def _batch_norm_of_one(batch_size: int) -> Iterator[None]:
    """Say what to do about batch norms that see one value of a channel."""
    try:
        yield
    except ValueError as error:
        if batch_size > 1 or 'more than 1 value per channel' not in str(error):
            raise
        raise InputError(
            'a batch norm after a global pooling cannot be trained with a batch of one image: '
            'give batch_size=2 or more, and train_dataloader.drop_last=True'
        ) from error


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
