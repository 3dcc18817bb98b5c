"""Training a model from its config."""

import os

from mmengine.config import Config
from mmengine.runner import Runner, find_latest_checkpoint

from mmdrs.apis.checkpoint import check_checkpoint, require_checkpoint
from mmdrs.apis.runner import build_runner, release_loaders


def train_model(cfg: Config, resume: bool = False, resume_from: str | None = None) -> Runner:
    """Train a model, after checking that the checkpoint it starts from fits it.

    Args:
        cfg: As :func:`mmdrs.apis.load_config` returns it. Unlike in MMEngine, its ``load_from``
            gives the first weights only, also with ``resume``, where nothing was trained yet.
        resume: Go on with an interrupted training, if there is one.
        resume_from: The checkpoint to go on from; None: the newest of ``cfg.work_dir``.

    Returns:
        The runner, after the training.

    Raises:
        InputError: If the checkpoint is missing, refused, or of another architecture.
    """
    if resume or cfg.get('resume'):
        resume_from = resume_from or _latest_checkpoint(cfg.work_dir)
        cfg.resume = resume_from is not None
        cfg.load_from = resume_from or cfg.get('load_from')
    if cfg.get('load_from'):
        require_checkpoint(cfg.load_from)
    runner = build_runner(cfg)
    if cfg.get('load_from'):
        purpose = 'resume' if cfg.get('resume') else 'finetune'
        check_checkpoint(runner.model, cfg.load_from, purpose)
    runner.train()
    release_loaders(runner)
    return runner


def _latest_checkpoint(work_dir: str) -> str | None:
    """The newest checkpoint of a work directory, also if the directory was moved."""
    if not os.path.isfile(os.path.join(work_dir, 'last_checkpoint')):
        return None
    path = find_latest_checkpoint(work_dir)
    moved = os.path.join(work_dir, os.path.basename(path))
    return moved if os.path.isfile(moved) else path
