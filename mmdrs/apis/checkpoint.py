"""Whether a checkpoint fits a model, found out before a run and not from a line of its log.

MMEngine loads without strictness: keys that do not match are logged and left as they were, so
that a checkpoint of another architecture seems to work and gives random results.
"""

import os
import pickle
import re
from dataclasses import dataclass
from typing import Any, Literal

from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import nn

from mmdrs.errors import InputError, MissingFileError, did_you_mean

Purpose = Literal['test', 'resume', 'finetune']


def require_checkpoint(path: str) -> None:
    """Check that a checkpoint exists. A URL (``https://``, ``torchvision://``) is not looked up.

    Raises:
        MissingFileError: if there is no such file; lists checkpoints of close names beside it.
    """
    if '://' in path or os.path.isfile(os.path.expanduser(path)):
        return
    folder = os.path.dirname(path) or '.'
    names = os.listdir(folder) if os.path.isdir(folder) else []
    hint = did_you_mean(os.path.basename(path), names)
    checkpoints = sorted(name for name in names if name.endswith('.pth'))
    if not hint and checkpoints:
        hint = f'; the folder has {", ".join(checkpoints[-5:])}'
    raise MissingFileError(f"checkpoint '{path}' does not exist{hint}")


def check_checkpoint(model: nn.Module, path: str, purpose: Purpose) -> None:
    """Check that the weights of a file fit a model. Nothing is loaded into the model.

    Args:
        model: as built from the config; may be wrapped for distribution or augmentation.
        path: a file or URL that MMEngine can load.
        purpose: ``'test'`` and ``'resume'`` need every key of the model. ``'finetune'`` (the
            ``load_from`` of a training) needs half of the backbone's keys: a new head is fine.

    Raises:
        MissingFileError: if the file does not exist.
        InputError: if it cannot be read safely, or does not fit; names the file and the first
            keys that do not match.
    """
    match = _compare(_unwrap(model).state_dict(), _read_weights(path))
    if purpose == 'finetune':
        needed = {key for key in match.wanted if key.startswith('backbone.')} or match.wanted
        fits = len(needed & match.matched) * 2 >= len(needed)
        demand = "at least half of the backbone's keys must match to train from it"
    else:
        fits = match.matched == match.wanted
        demand = 'every key of the model must be in it'
    if not fits:
        raise InputError(f"checkpoint '{path}' does not fit the model: {match}; {demand}")


@dataclass(frozen=True)
class _Match:
    """The keys of a model and a checkpoint, compared by name and shape.

    Attributes:
        wanted: keys of the model. ``num_batches_tracked`` does not count, as in MMEngine.
        matched: those of them that the file has in the same shape.
        reshaped: those that it has in another shape, each with both shapes.
        missing: those that it does not have.
        unexpected: keys of the file that the model does not have.
        is_backbone: the file's keys fit once ``backbone.`` stands before them.
    """

    wanted: frozenset[str]
    matched: frozenset[str]
    reshaped: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    is_backbone: bool

    def __str__(self) -> str:
        parts = [f'{len(self.matched)} of its {len(self.wanted)} keys match in name and shape']
        for title, keys in (
            ('missing in the file', self.missing),
            ('of another shape', self.reshaped),
            ('only in the file', self.unexpected),
        ):
            if keys:
                more = f' and {len(keys) - 3} more' if len(keys) > 3 else ''
                parts.append(f'{title}: {", ".join(keys[:3])}{more}')
        if self.is_backbone:
            parts.append(
                'the file holds a backbone alone, which is given as '
                "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)"
            )
        return '; '.join(parts)


def _compare(model: dict[str, Any], weights: dict[str, Any]) -> _Match:
    """Compare the state dict of a model with the weights of a file."""
    wanted = frozenset(key for key in model if not key.endswith('num_batches_tracked'))
    matched, reshaped, missing = set(), [], []
    for key in model:
        if key not in wanted:
            continue
        if key not in weights:
            missing.append(key)
        elif _shape(weights[key]) == _shape(model[key]):
            matched.add(key)
        else:
            shapes = f'{_shape(weights[key])} in the file, {_shape(model[key])} in the model'
            reshaped.append(f'{key} ({shapes})')
    return _Match(
        wanted=wanted,
        matched=frozenset(matched),
        reshaped=tuple(reshaped),
        missing=tuple(missing),
        unexpected=tuple(key for key in weights if key not in model),
        is_backbone=not matched and any(f'backbone.{key}' in wanted for key in weights),
    )


def _shape(value: Any) -> tuple[int, ...] | None:
    """Return the shape of a tensor, or None for the extra state that some modules keep."""
    shape = getattr(value, 'shape', None)
    return None if shape is None else tuple(shape)


def _unwrap(model: nn.Module) -> nn.Module:
    """Return the module that the weights of a checkpoint go to."""
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    return model


def read_checkpoint(path: str) -> Any:
    """Read a checkpoint file as MMEngine does, without running anything in it.

    Args:
        path: a file or URL that MMEngine can load.

    Returns:
        What was saved in it, on the CPU.

    Raises:
        MissingFileError: if the file does not exist.
        InputError: if it names anything but tensors and plain values (the message says what), is
            incomplete, or is no checkpoint.
    """
    require_checkpoint(path)
    try:
        return CheckpointLoader.load_checkpoint(path, map_location='cpu', logger='silent')
    except pickle.UnpicklingError as error:
        raise InputError(str(error)) from None
    except (RuntimeError, EOFError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"checkpoint '{path}' is incomplete or no checkpoint: {reason}") from None


def _read_weights(path: str) -> dict[str, Any]:
    """The state dict of a file."""
    checkpoint = read_checkpoint(path)
    weights = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(key, str) for key in weights):
        raise InputError(f"checkpoint '{path}' holds no state dict")
    return {re.sub(r'^module\.', '', key): value for key, value in weights.items()}
