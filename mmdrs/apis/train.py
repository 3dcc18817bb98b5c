"""Training a model from its config."""

from collections.abc import Sized
from typing import Any, cast

from mmengine.config import Config
from mmengine.runner import Runner

from mmdrs.apis.batches import require_batch
from mmdrs.apis.checkpoint import (
    check_checkpoint,
    check_pretrained,
    latest_checkpoint,
    require_checkpoint,
)
from mmdrs.apis.runner import build_runner, running


def train_model(cfg: Config, resume: bool = False, resume_from: str | None = None) -> Runner:
    """Train a model, after checking that the checkpoint it starts from fits it.

    Args:
        cfg: As :func:`mmdrs.apis.load_config` returns it. Unlike in MMEngine, its ``load_from``
            gives the first weights only, also with ``resume``, where nothing was trained yet.
            Hooks that make the training repeatable and safe to interrupt are added to it.
        resume: Go on with an interrupted training, if there is one.
        resume_from: The checkpoint to go on from; None: the newest of ``cfg.work_dir``.

    Returns:
        The runner, after the training.

    Raises:
        InputError: If the checkpoint is missing, refused, or of another architecture; if
            pretrained weights do not fit; if there are fewer images than a batch; if an image
            cannot be loaded; if the loss or the weights are no longer finite.
    """
    if resume or cfg.get('resume'):
        resume_from = resume_from or latest_checkpoint(cfg.work_dir)
        cfg.resume = resume_from is not None
        cfg.load_from = resume_from or cfg.get('load_from')
    if cfg.get('load_from'):
        cfg.load_from = require_checkpoint(cfg.load_from)
    _add_hooks(cfg)
    runner = build_runner(cfg)
    # Not in the config, which is stored, and which the user may change and run again.
    runner._train_dataloader = _seeded(runner._train_dataloader)
    if cfg.get('load_from'):
        purpose = 'resume' if cfg.get('resume') else 'finetune'
        check_checkpoint(runner.model, cfg.load_from, purpose)
    else:
        check_pretrained(runner.model)
    if cfg.get('train_dataloader'):
        require_batch(cfg.train_dataloader, len(cast(Sized, runner.train_dataloader.dataset)))
    with running(runner, runner.val_loop):
        runner.train()
    return runner


def _seeded(loader: Any) -> dict[str, Any]:
    """The config of a loader whose random numbers follow from the place in the training."""
    return dict(
        loader,
        dataset=dict(type='SeededDataset', dataset=loader['dataset']),
        sampler=dict(type='SeededSampler', sampler=loader['sampler']),
    )


def _add_hooks(cfg: Config) -> None:
    """Add ``SeedHook`` and ``TrainingGuardHook``, and let checkpoints be written whole.

    A config that has them already, such as a stored one, stays as it is.
    """
    hooks = list(cfg.get('custom_hooks') or [])
    types = {hook['type'] for hook in hooks}
    cfg.custom_hooks = hooks + [
        dict(type=name) for name in ('SeedHook', 'TrainingGuardHook') if name not in types
    ]
    defaults = dict(cfg.get('default_hooks') or {})
    checkpoint = defaults.setdefault('checkpoint', dict(type='CheckpointHook', interval=1))
    if checkpoint and checkpoint['type'] == 'CheckpointHook':
        defaults['checkpoint'] = dict(checkpoint, type='WholeCheckpointHook')
    cfg.default_hooks = defaults
