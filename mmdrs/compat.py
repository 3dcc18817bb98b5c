"""Bridges between MMSegmentation's two supported dependency sets and current PyTorch and pip.

Two sets are supported: ``onedl`` (onedl-mmsegmentation 1.4.2, onedl-mmcv 2.3.6, onedl-mmengine
0.10.12) and ``openmmlab`` (mmsegmentation 1.2.2, mmcv or mmcv-lite 2.1.0, mmengine 0.10.7). Each
bridge acts only where its break is found, so on a set without the break it changes nothing.

.. warning:: One bridge changes MMEngine for the whole process: after ``import mmdrs``, its
   checkpoint loader reads tensors and plain values only (``weights_only=True``), for any model.

:func:`apply` must run before anything of ``mmseg.models`` is imported. Importing :mod:`mmdrs`
does that first of all.
"""

import contextlib
import importlib
import importlib.util
import io
import os
import pickle
import re
import sys
import warnings
from collections.abc import Callable
from functools import partial, wraps
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.utils import digit_version

from mmdrs.errors import MissingFileError, did_you_mean

# The two names that mmseg 1.2.2 imports from mmcv.ops with nothing to fall back on.
_OPS_IMPORTED_BY_MMSEG = ('point_sample', 'sigmoid_focal_loss')
# What MMEngine pickles by name as `getattr(HistoryBuffer, name)`.
_HISTORY_STATISTICS = ('min', 'max', 'mean', 'current')
_NUMBER_DTYPES = '?bhilqBHILQefd'  # numpy's codes: bool, integers, floats


def apply() -> None:
    """Install every bridge that the installed dependency set needs. May be called repeatedly."""
    bridge_missing_ops()
    allow_mmengine_checkpoints()
    refuse_unsafe_checkpoints()
    bridge_packaged_configs()
    import_mmseg_quietly()


# --- 1. mmseg 1.2.2 needs compiled mmcv.ops to be imported -------------------------------------
# mmseg.models imports `point_sample` and `sigmoid_focal_loss` at module level, and mmcv-lite has
# no compiled operators: https://github.com/open-mmlab/mmsegmentation/issues/871


def bridge_missing_ops() -> None:
    """Give ``mmcv.ops`` the names that mmseg 1.2.2 must be able to import.

    A name served this way raises an error when it is used. Every other name of ``mmcv.ops``
    still raises ``ModuleNotFoundError``, so ``try: from mmcv.ops import X`` elsewhere keeps
    meaning "missing". Nothing is done where ``mmcv.ops`` can be imported, or for mmseg 1.3 and
    later, which does without.
    """
    mmseg = importlib.import_module('mmseg')
    if digit_version(mmseg.__version__) > digit_version('1.2.2') or 'mmcv.ops' in sys.modules:
        return
    try:
        importlib.import_module('mmcv.ops')
    except ModuleNotFoundError as error:
        if error.name != 'mmcv._ext':
            return
    else:
        return
    sys.modules['mmcv.ops'] = _make_ops_module()


def _make_ops_module() -> ModuleType:
    module = ModuleType('mmcv.ops', 'Stand-in of mmdrs for the compiled operators of mmcv.')
    module.__spec__ = ModuleSpec('mmcv.ops', None)

    def refuse(name: str) -> Any:
        # The import machinery asks for names such as __path__ and must hear AttributeError.
        if name.startswith('__'):
            raise AttributeError(name)
        raise ModuleNotFoundError(
            f"mmcv.ops.{name} needs mmcv's compiled operators, and mmcv-lite has none; "
            'install mmcv 2.1.0 in its place',
            name='mmcv._ext',
        )

    for name in _OPS_IMPORTED_BY_MMSEG:
        setattr(module, name, partial(_missing_op, name))
    module.__getattr__ = refuse
    return module


def _missing_op(name: str, *args: Any, **kwargs: Any) -> None:
    """Refuse to run an operator that mmcv-lite does not have."""
    raise RuntimeError(
        f'the operator mmcv.ops.{name} was called, but mmcv is installed without its compiled '
        'operators (mmcv-lite); install mmcv 2.1.0 in its place, or choose a model without it'
    )


# --- 2. checkpoints and torch >= 2.6 -----------------------------------------------------------
# torch loads with `weights_only=True`, which refuses MMEngine 0.10.7's own checkpoints:
# https://github.com/open-mmlab/mmengine/issues/1655. OneDL's MMEngine allows the builtin
# `getattr`, and unpickles without limits when the safe load fails.


def allow_mmengine_checkpoints() -> None:
    """Allow by name the few harmless globals found in MMEngine's checkpoints.

    They are ``HistoryBuffer`` (the message hub's logs), what numpy needs to restore an array or
    a scalar of a number type, under numpy's names before and after 2.0, ``bytes`` (an empty
    array) and ``slice``. In place of ``builtins.getattr`` a function is allowed that serves
    nothing but the four statistics of ``HistoryBuffer``.
    """
    core = importlib.import_module('numpy._core.multiarray')
    allowed: list[Any] = [HistoryBuffer, np.ndarray, np.dtype, bytes, slice]
    for function in (core._reconstruct, core.scalar):
        for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
            allowed.append((function, f'{module}.{function.__name__}'))
    allowed += [type(np.dtype(code)) for code in _NUMBER_DTYPES]
    allowed.append((_history_statistic, 'builtins.getattr'))
    torch.serialization.add_safe_globals(allowed)


def _history_statistic(*args: Any) -> Callable:
    """Stand in for ``getattr`` within a checkpoint: serve the statistics of HistoryBuffer.

    Raises:
        pickle.UnpicklingError: if anything else is asked for.
    """
    if len(args) == 2 and args[0] is HistoryBuffer and args[1] in _HISTORY_STATISTICS:
        return getattr(HistoryBuffer, args[1])
    raise pickle.UnpicklingError(
        f'Unsupported global: GLOBAL builtins.getattr was not an allowed global by default. '
        f'It was called with {args!r}'
    )


def refuse_unsafe_checkpoints() -> None:
    """Make MMEngine's loaders safe only, with an error that names file and offending global."""
    if hasattr(mmengine_checkpoint, '_safe_torch_load'):
        mmengine_checkpoint._safe_torch_load = _load_weights_only
    # torch.hub loads what it downloads without limits by default.
    if not isinstance(mmengine_checkpoint.load_url, partial):
        mmengine_checkpoint.load_url = partial(mmengine_checkpoint.load_url, weights_only=True)
    stock = CheckpointLoader.load_checkpoint
    if hasattr(stock, '__wrapped__'):
        return

    @wraps(stock)
    def load_checkpoint(
        filename: str, map_location: Any = None, logger: Any = 'current'
    ) -> dict[str, Any]:
        try:
            return stock(filename, map_location, logger)
        except pickle.UnpicklingError as error:
            raise pickle.UnpicklingError(_refusal(filename, str(error))) from None

    CheckpointLoader.load_checkpoint = staticmethod(load_checkpoint)


def _load_weights_only(file: Any, map_location: Any = None, weights_only: bool = True) -> Any:
    """Replace OneDL's ``_safe_torch_load``: no ``getattr``, no second, unlimited try."""
    return torch.load(file, map_location=map_location, weights_only=True)


def _refusal(filename: str, message: str) -> str:
    """Turn torch's long message into one sentence with the file and the offending global."""
    found = re.search(r'GLOBAL (\S+) (?:was not|whose module)', message)
    if found is None:
        inner = re.search(r'WeightsUnpickler error:\s*(.+)', message)
        reason = inner[1] if inner else message
    else:
        reason = f"it names the global '{found[1]}', which is not allowed in a checkpoint"
        called = re.search(r'It was called with (.*)', message)
        reason += f' (called with {called[1]})' if called else ''
    return (
        f"checkpoint '{filename}' is refused: {reason}. Loading it could run code hidden in it. "
        'Save it again with tensors and plain values only'
    )


# --- 3. `_base_ = 'mmseg::...'` and `_base_ = 'mmdrs::...'` -------------------------------------
# MMEngine 0.10.7 looks for MMSegmentation with pkg_resources, gone from setuptools 82:
# https://github.com/open-mmlab/mmengine/pull/1676. OneDL's MMEngine looks for a distribution
# called `mmsegmentation`, and OneDL's is called `onedl-mmsegmentation`. Neither knows mmdrs.

#: Packages whose configs have names of the form ``package::folder/file.py`` here.
CONFIG_PACKAGES = ('mmdrs', 'mmseg')


def bridge_packaged_configs() -> None:
    """Let configs inherit from ``mmseg::...`` and ``mmdrs::...`` wherever these are installed.

    Other packages' ``pkg::...`` are looked up as before, with the same errors.
    """
    stock = Config._get_cfg_path
    if hasattr(stock, '__wrapped__'):
        return

    @wraps(stock)
    def get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        package, separator, _ = cfg_path.partition('::')
        if not separator or package not in CONFIG_PACKAGES:
            return stock(cfg_path, filename)
        # The second value is the registry scope of what a config takes from `_base_.name`.
        # mmdrs has no registries of its own: its configs count as the user's.
        return config_path(cfg_path), None if package == 'mmdrs' else package

    Config._get_cfg_path = staticmethod(get_cfg_path)


def config_path(name: str | os.PathLike) -> str:
    """Return the absolute path of a config ``mmdrs::folder/file.py`` or ``mmseg::...``.

    Any other name is returned as it is, whether it exists or not.

    Raises:
        MissingFileError: if the package has no such config; names configs with close names.
    """
    name = os.fspath(name)
    package, separator, relative = name.partition('::')
    if not separator or package not in CONFIG_PACKAGES:
        return name
    root = Path(importlib.util.find_spec(package).origin).parent
    # A checkout that is used without an installation has its configs beside the package only.
    folders = (root / '.mim' / 'configs', root.parent / 'configs')
    folder = next((item.resolve() for item in folders if item.is_dir()), folders[0])
    path = folder / relative
    if not path.is_file():
        files = (file.relative_to(folder).as_posix() for file in folder.rglob('*.py'))
        hint = did_you_mean(name, [f'{package}::{file}' for file in files])
        raise MissingFileError(f"there is no config '{name}' in '{folder}'{hint}")
    return str(path)


# --- 4. what importing mmseg prints -------------------------------------------------------------


def import_mmseg_quietly() -> None:
    """Import mmseg without the lines that it prints at every start.

    OneDL's prints "Could not import OneDL" twice (a debug message without a logger), and mmcv
    without compiled operators warns of one that nothing here uses. Anything else is shown.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeformableAttention``')
        importlib.import_module('mmseg.datasets')
        importlib.import_module('mmseg.models')
    for line in printed.getvalue().splitlines():
        if line != 'Could not import OneDL':
            print(line)
