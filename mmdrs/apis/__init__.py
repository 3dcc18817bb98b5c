"""What the command-line tools and the pipeline share: configs, checkpoints, runs."""

from mmdrs.errors import InputError, MissingFileError

from .checkpoint import check_checkpoint, read_checkpoint, require_checkpoint
from .config import apply_amp, apply_labels, apply_output, apply_show, apply_tta, load_config
from .runner import build_runner, start_processes
from .test import test_model
from .train import train_model

__all__ = [
    'InputError',
    'MissingFileError',
    'apply_amp',
    'apply_labels',
    'apply_output',
    'apply_show',
    'apply_tta',
    'build_runner',
    'check_checkpoint',
    'load_config',
    'read_checkpoint',
    'require_checkpoint',
    'start_processes',
    'test_model',
    'train_model',
]
