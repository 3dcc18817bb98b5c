"""Training a model from its config."""

from mmengine.config import Config
from mmengine.runner import Runner

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
            :func:`harden_training` is applied to it.
        resume: Go on with an interrupted training, if there is one.
        resume_from: The checkpoint to go on from; None: the newest of ``cfg.work_dir``.

    Returns:
        The runner, after the training.

    Raises:
        InputError: If the checkpoint is missing, refused, or of another architecture; if
            pretrained weights do not fit; if an image cannot be loaded; if the loss or the
            weights are no longer finite.
    """
    if resume or cfg.get('resume'):
        resume_from = resume_from or latest_checkpoint(cfg.work_dir)
        cfg.resume = resume_from is not None
        cfg.load_from = resume_from or cfg.get('load_from')
    if cfg.get('load_from'):
        cfg.load_from = require_checkpoint(cfg.load_from)
    harden_training(cfg)
    runner = build_runner(cfg)
    if cfg.get('load_from'):
        purpose = 'resume' if cfg.get('resume') else 'finetune'
        check_checkpoint(runner.model, cfg.load_from, purpose)
    else:
        check_pretrained(runner.model)
    with running(runner, runner.val_loop):
        runner.train()
    return runner


def harden_training(cfg: Config) -> None:
    """Give a training what makes it repeatable and safe to interrupt; may be applied repeatedly.

    * :class:`~mmdrs.datasets.SeededDataset`, :class:`~mmdrs.datasets.SeededSampler` and
      :class:`~mmdrs.engine.SeedHook`: random numbers follow from the seed and the place in the
      training, whatever the number of workers, and after a resume.
    * :class:`~mmdrs.engine.WholeCheckpointHook` in the place of ``CheckpointHook``.
    * :class:`~mmdrs.engine.TrainingGuardHook`.
    """
    loader = cfg.get('train_dataloader')
    if loader and loader.dataset['type'] != 'SeededDataset':
        loader.dataset = dict(type='SeededDataset', dataset=loader.dataset)
        loader.sampler = dict(type='SeededSampler', sampler=loader.sampler)
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
