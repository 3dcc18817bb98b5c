"""Whether a checkpoint fits a model, checked before a run.

MMEngine only logs keys that do not match: a checkpoint of another architecture seems to work and
gives random results.
"""

import logging
import os
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any, Literal, cast

from mmengine.logging import print_log
from mmengine.model import BaseModule, BaseTTAModel, is_model_wrapper
from mmengine.runner import CheckpointLoader
from torch import nn

from mmdrs.apis.weights import unreachable
from mmdrs.errors import InputError, MissingFileError, did_you_mean, naming
from mmdrs.reading import reason_of

#: What weights of a backbone are called in the checkpoint of a larger model.
_PREFIXES = ('backbone.', 'module.backbone.')
Purpose = Literal['test', 'resume', 'finetune']


def require_checkpoint(path: str) -> str:
    """Check that a checkpoint exists. A URL (``https://``, ``torchvision://``) is not looked up.

    Returns:
        The path without ``file://``, or the URL.

    Raises:
        MissingFileError: If there is no such file; lists checkpoints in its folder.
    """
    path = os.path.expanduser(path.removeprefix('file://'))
    if '://' in path or os.path.isfile(path):
        return path
    folder = os.path.dirname(path) or '.'
    names = os.listdir(folder) if os.path.isdir(folder) else []
    hint = did_you_mean(os.path.basename(path), names)
    checkpoints = sorted(name for name in names if name.endswith('.pth'))
    if not hint and checkpoints:
        hint = f'; the folder has {", ".join(checkpoints[-5:])}'
    raise MissingFileError(f"checkpoint '{path}' does not exist{hint}")


def is_whole(path: str | Path) -> bool:
    """Whether a checkpoint of a training is there to its end; only the end of the file is read."""
    return zipfile.is_zipfile(path)


def latest_checkpoint(folder: str | Path) -> str | None:
    """The checkpoint that ``last_checkpoint`` names, or the newest whole one; None without any.

    Args:
        folder: The work directory of a training; may have been moved since.
    """
    folder = Path(folder)
    pointer = folder / 'last_checkpoint'
    named = Path(pointer.read_text('utf-8', errors='replace').strip() if pointer.is_file() else '')
    files = [path for kind in ('epoch', 'iter') for path in folder.glob(f'{kind}_*.pth')]
    files = sorted(files, key=_step, reverse=True)
    candidates = [folder / named.name, named, *files] if named.name else files
    found = next((path for path in candidates if path.is_file() and is_whole(path)), None)
    if candidates and found not in candidates[:2]:
        use = f'{found} is used' if found else 'there is no other: the training starts anew'
        print_log(
            f'the last checkpoint of {folder} is missing or incomplete; {use}',
            logger='current',
            level=logging.ERROR,
        )
    return str(found) if found else None


def _step(path: Path) -> int:
    digits = path.stem.rpartition('_')[2]
    return int(digits) if digits.isdigit() else -1


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
        model = cast(nn.Module, model.module)
    state, weights = model.state_dict(), _read_weights(path)
    wanted, matched = _compared(state, weights)
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


def check_pretrained(model: nn.Module, download: bool = True) -> None:
    """Check that the weights of every ``init_cfg=dict(type='Pretrained', ...)`` fit their module.

    Half of the module's keys must be in the file; MMEngine would start from random weights without
    a word. Where they are there with the prefix ``backbone.``, ``init_cfg`` gets this prefix.

    Args:
        model: As built from the config, not yet initialised.
        download: Also check weights that are given as URL.

    Raises:
        MissingFileError: If a file does not exist.
        InputError: If it cannot be read safely, or does not fit; shows keys of both sides.
    """
    for name, module in model.named_modules():
        configs = getattr(module, 'init_cfg', None) or []
        for config in [configs] if isinstance(configs, dict) else configs:
            path = config.get('checkpoint') if config.get('type') == 'Pretrained' else None
            if path and (download or '://' not in path):
                with naming(f'model.{name}.init_cfg.checkpoint'):
                    _fit_pretrained(f'model.{name}', module, config)


def _fit_pretrained(name: str, module: nn.Module, config: dict[str, Any]) -> None:
    state, weights = module.state_dict(), _read_weights(config['checkpoint'], config.get('prefix'))
    wanted, matched = _compared(state, weights)
    # Some backbones translate the keys of other projects in an `init_weights` of their own.
    own = getattr(type(module), 'init_weights', None) is not BaseModule.init_weights
    needed = min(1, len(wanted)) if own else len(wanted) / 2
    if len(matched) >= needed:
        return
    for prefix in () if config.get('prefix') else _PREFIXES:
        found = _read_weights(config['checkpoint'], prefix)
        if len(_compared(state, found)[1]) >= max(needed, 1):
            print_log(f"{name}.init_cfg: the keys of the file begin with '{prefix}'", 'current')
            config['prefix'] = prefix
            return
    raise InputError(
        f"checkpoint '{config['checkpoint']}' does not fit: "
        f'{_difference(state, weights, matched)}; at least half of the keys must match'
    )


def _compared(state: dict[str, Any], weights: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The keys of a model, and those that a file holds in the same shape."""
    wanted = {key for key in state if not _is_counter(key)}
    common = wanted & weights.keys()
    return wanted, {key for key in common if _shape(weights[key]) == _shape(state[key])}


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
            incomplete, is no checkpoint, or cannot be downloaded.
    """
    path = require_checkpoint(path)
    try:
        return CheckpointLoader.load_checkpoint(path, map_location='cpu', logger='silent')
    except pickle.UnpicklingError as error:
        raise InputError(str(error)) from None
    except Exception as error:  # a damaged file makes torch raise nearly anything
        if '://' in path and isinstance(error, OSError | KeyError):
            raise InputError(f'checkpoint {unreachable(path, error)}') from None
        reason = reason_of(error)
        raise InputError(f"checkpoint '{path}' is incomplete or no checkpoint: {reason}") from None


def _read_weights(path: str, prefix: str | None = None) -> dict[str, Any]:
    """The weights of a file; those with a prefix, without it. MMEngine drops ``module.``."""
    checkpoint = read_checkpoint(path)
    weights = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(key, str) for key in weights):
        raise InputError(f"checkpoint '{path}' holds no state dict")
    start = f'{prefix.rstrip(".")}.' if prefix else None
    if start is None:
        return {re.sub(r'^module\.', '', key): value for key, value in weights.items()}
    found = {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}
    return found or weights  # the others, for the message


def last_accuracy(path: str | Path) -> float | None:
    """Mean over the last epoch of the accuracy that a classifier's training logged, 0..100.

    From the checkpoint: MMEngine's visualizer writes the scalars of all trainings of a process
    into the folder of the first.

    Args:
        path: A checkpoint of the training.

    Returns:
        The accuracy; None where the training did not log it.
    """
    checkpoint = read_checkpoint(str(path))
    scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
    history = next((v for k, v in scalars.items() if k.split('.')[-1] == 'acc_cls'), None)
    if history is None:
        return None
    meta = checkpoint['meta']
    return float(history.mean(max(1, meta['iter'] // max(1, meta['epoch']))))
