"""Whether a checkpoint fits a model, checked before a run.

MMEngine only logs keys that do not match: a checkpoint of another architecture seems to work and
gives random results.
"""

import os
import pickle
import re
from typing import Any, Literal

from mmengine.model import BaseTTAModel, is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import nn

from mmdrs.errors import InputError, MissingFileError, did_you_mean
from mmdrs.reading import reason_of

Purpose = Literal['test', 'resume', 'finetune']


def require_checkpoint(path: str) -> None:
    """Check that a checkpoint exists. A URL (``https://``, ``torchvision://``) is not looked up.

    Raises:
        MissingFileError: If there is no such file; lists checkpoints in its folder.
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
        model: As built from the config; may be wrapped for distribution or augmentation.
        path: A file or URL that MMEngine can load.
        purpose: ``'test'`` and ``'resume'`` need every key of the model. ``'finetune'`` (the
            ``load_from`` of a training) needs half of the backbone's keys: a new head is fine.

    Raises:
        MissingFileError: If the file does not exist.
        InputError: If it cannot be read safely, or does not fit; names the file and the first
            keys that do not match.
    """
    while is_model_wrapper(model) or isinstance(model, BaseTTAModel):
        model = model.module
    state, weights = model.state_dict(), _read_weights(path)
    wanted = {key for key in state if not _is_counter(key)}
    matched = {
        key for key in wanted & weights.keys() if _shape(weights[key]) == _shape(state[key])
    }
    if purpose == 'finetune':
        needed = {key for key in wanted if key.startswith('backbone.')} or wanted
        fits = len(needed & matched) * 2 >= len(needed)
        demand = "at least half of the backbone's keys must match to train from it"
    else:
        fits = matched == wanted
        demand = 'every key of the model must be in it'
    if not fits:
        difference = _difference(state, weights, matched)
        raise InputError(f"checkpoint '{path}' does not fit the model: {difference}; {demand}")


def _difference(state: dict[str, Any], weights: dict[str, Any], matched: set[str]) -> str:
    """Say how the keys of a model and of a file differ; the first three of each kind."""
    wanted = [key for key in state if not _is_counter(key)]
    reshaped = [
        f'{key} ({_shape(weights[key])} in the file, {_shape(state[key])} in the model)'
        for key in wanted
        if key in weights and key not in matched
    ]
    parts = [f'{len(matched)} of its {len(wanted)} keys match in name and shape']
    for title, keys in (
        ('missing in the file', [key for key in wanted if key not in weights]),
        ('of another shape', reshaped),
        ('only in the file', [key for key in weights if key not in state]),
    ):
        if keys:
            more = f' and {len(keys) - 3} more' if len(keys) > 3 else ''
            parts.append(f'{title}: {", ".join(keys[:3])}{more}')
    if not matched and any(f'backbone.{key}' in wanted for key in weights):
        parts.append(
            'the file holds a backbone alone, which is given as '
            "model.backbone.init_cfg=dict(type='Pretrained', checkpoint=...)"
        )
    return '; '.join(parts)


def _is_counter(key: str) -> bool:
    """MMEngine does not miss these keys either."""
    return key.endswith('num_batches_tracked')


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of a tensor, or None for the extra state that some modules keep."""
    shape = getattr(value, 'shape', None)
    return None if shape is None else tuple(shape)


def read_checkpoint(path: str) -> Any:
    """Read a checkpoint file as MMEngine does, without running anything in it.

    Args:
        path: A file or URL that MMEngine can load.

    Returns:
        What was saved in it, on the CPU.

    Raises:
        MissingFileError: If the file does not exist.
        InputError: If it names anything but tensors and plain values (the message says what), is
            incomplete, or is no checkpoint.
    """
    require_checkpoint(path)
    try:
        return CheckpointLoader.load_checkpoint(path, map_location='cpu', logger='silent')
    except pickle.UnpicklingError as error:
        raise InputError(str(error)) from None
    except Exception as error:  # a damaged file makes torch raise nearly anything
        reason = reason_of(error)
        raise InputError(f"checkpoint '{path}' is incomplete or no checkpoint: {reason}") from None


def _read_weights(path: str) -> dict[str, Any]:
    checkpoint = read_checkpoint(path)
    weights = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(key, str) for key in weights):
        raise InputError(f"checkpoint '{path}' holds no state dict")
    return {re.sub(r'^module\.', '', key): value for key, value in weights.items()}
