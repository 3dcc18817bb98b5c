"""Bridges between MMSegmentation's two supported dependency sets and current PyTorch and pip.

The sets are ``onedl`` (onedl-mmsegmentation 1.4.2, onedl-mmcv 2.3.6, onedl-mmengine 0.10.12) and
``openmmlab`` (mmsegmentation 1.2.2, mmcv or mmcv-lite 2.1.0, mmengine 0.10.7). A bridge changes
nothing in a set that does not need it.

.. warning:: One bridge changes MMEngine for the whole process: after ``import mmdrs``, its
   checkpoint loader reads tensors and plain values only (``weights_only=True``), for any model.

``import mmdrs`` calls :func:`apply` first, since it must run before ``mmseg.models`` is imported.
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
from typing import Any, cast

import mmengine.runner.checkpoint as mmengine_checkpoint
import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader
from mmengine.utils import digit_version

from mmdrs.errors import MissingFileError, did_you_mean

# The names that mmseg 1.2.2 imports from mmcv.ops without a fallback.
_OPS_IMPORTED_BY_MMSEG = ('point_sample', 'sigmoid_focal_loss')
# What MMEngine pickles by name as `getattr(HistoryBuffer, name)`.
_HISTORY_STATISTICS = ('min', 'max', 'mean', 'current')
_NUMBER_DTYPES = '?bhilqBHILQefd'  # numpy's codes: bool, integers, floats


def apply() -> None:
    """Install every bridge that the dependency set needs. Further calls change nothing."""
    bridge_missing_ops()
    allow_mmengine_checkpoints()
    refuse_unsafe_checkpoints()
    bridge_packaged_configs()
    import_mmseg_quietly()
    bridge_class_weights()


# --- 1. mmseg 1.2.2 needs compiled mmcv.ops to be imported -------------------------------------
# mmseg.models imports `point_sample` and `sigmoid_focal_loss` at module level, and mmcv-lite has
# no compiled operators: https://github.com/open-mmlab/mmsegmentation/issues/871


def bridge_missing_ops() -> None:
    """Let mmseg up to 1.2.2 import the operators it needs from an ``mmcv.ops`` that lacks them.

    Using one of them raises an error. Every other name of ``mmcv.ops`` still raises
    ``ModuleNotFoundError``, so that ``try: from mmcv.ops import X`` finds it missing.
    """
    mmseg = importlib.import_module('mmseg')
    if digit_version(mmseg.__version__) > digit_version('1.2.2') or 'mmcv.ops' in sys.modules:
        return
    try:
        importlib.import_module('mmcv.ops')
    except ModuleNotFoundError as error:
        if error.name == 'mmcv._ext':
            sys.modules['mmcv.ops'] = _make_ops_module()


def _make_ops_module() -> ModuleType:
    module = ModuleType('mmcv.ops', 'Stand-in of mmdrs for the compiled operators of mmcv.')
    module.__spec__ = ModuleSpec('mmcv.ops', None)

    def refuse(name: str) -> Any:
        # The import machinery asks for names such as __path__ and expects AttributeError.
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
    raise RuntimeError(
        f'the operator mmcv.ops.{name} was called, but mmcv is installed without its compiled '
        'operators (mmcv-lite); install mmcv 2.1.0 in its place, or choose a model without it'
    )


# --- 2. checkpoints and torch >= 2.6 -----------------------------------------------------------
# torch loads with `weights_only=True`, which refuses MMEngine 0.10.7's own checkpoints:
# https://github.com/open-mmlab/mmengine/issues/1655. OneDL's MMEngine allows the builtin
# `getattr`, and unpickles without limits when the safe load fails.


def allow_mmengine_checkpoints() -> None:
    """Allow the few harmless globals found in MMEngine's checkpoints.

    They are ``HistoryBuffer`` (the message hub's logs), numpy's arrays and scalars of number
    types, under the names before and after numpy 2.0, ``bytes`` (an empty array) and ``slice``.
    ``builtins.getattr`` is replaced by :func:`_history_statistic`.
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
    """Replace ``getattr`` in checkpoints: only the four statistics of HistoryBuffer."""
    if len(args) == 2 and args[0] is HistoryBuffer and args[1] in _HISTORY_STATISTICS:
        return getattr(HistoryBuffer, args[1])
    raise pickle.UnpicklingError(
        f'Unsupported global: GLOBAL builtins.getattr was not an allowed global by default. '
        f'It was called with {args!r}'
    )


def refuse_unsafe_checkpoints() -> None:
    """Let MMEngine's loaders load safely only; errors name the file and the refused global."""
    if hasattr(mmengine_checkpoint, '_safe_torch_load'):
        mmengine_checkpoint._safe_torch_load = _load_weights_only
    # torch.hub's default loads downloads without limits.
    if not isinstance(mmengine_checkpoint.load_url, partial):
        load_url = cast(Callable, mmengine_checkpoint.load_url)
        mmengine_checkpoint.load_url = partial(load_url, weights_only=True)
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
    """Replace OneDL's ``_safe_torch_load``, which retries without limits."""
    return torch.load(file, map_location=map_location, weights_only=True)


def _refusal(filename: str, message: str) -> str:
    """Shorten torch's message to the file and the refused global."""
    reason = message
    if found := re.search(r'GLOBAL (\S+) (?:was not|whose module)', message):
        reason = f"it names the global '{found[1]}', which is not allowed in a checkpoint"
        if called := re.search(r'It was called with (.*)', message):
            reason += f' (called with {called[1]})'
    elif inner := re.search(r'WeightsUnpickler error:\s*(.+)', message):
        reason = inner[1]
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
    """Let configs inherit from ``mmseg::...`` and ``mmdrs::...``; other packages are as before."""
    stock = Config._get_cfg_path
    if hasattr(stock, '__wrapped__'):
        return

    @wraps(stock)
    def get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        package, separator, _ = cfg_path.partition('::')
        if not separator or package not in CONFIG_PACKAGES:
            return stock(cfg_path, filename)
        # The second value is the registry scope of values that a config takes from `_base_.name`.
        # mmdrs has no registries: its configs have the scope of the user's.
        return config_path(cfg_path), None if package == 'mmdrs' else package

    Config._get_cfg_path = staticmethod(get_cfg_path)


def config_path(name: str | os.PathLike[str]) -> str:
    """Return the absolute path of a config ``mmdrs::folder/file.py`` or ``mmseg::...``.

    Any other name is returned as it is, whether it exists or not.

    Raises:
        MissingFileError: If the package has no such config; the message lists close names.
    """
    name = os.fspath(name)
    package, separator, relative = name.partition('::')
    if not separator or package not in CONFIG_PACKAGES:
        return name
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise MissingFileError(f"'{name}': the package {package} is not installed")
    root = Path(found.origin).parent
    # A checkout without an installation has its configs only beside the package.
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
    """Import mmseg without OneDL's debug message and the warning of mmcv without operators."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Fail to import ``MultiScaleDeformableAttention``')
        importlib.import_module('mmseg.datasets')
        importlib.import_module('mmseg.models')
    for line in printed.getvalue().splitlines():
        if line != 'Could not import OneDL':
            print(line)


# --- 5. class weights where pixels are ignored --------------------------------------------------
# The average of `CrossEntropyLoss` looks up the weight of label 255 (mmseg 1.2.2), or masks a
# tensor that has lost its ignored pixels already (OneDL, with avg_non_ignore): IndexError.


def bridge_class_weights() -> None:
    """Let ``CrossEntropyLoss(class_weight=...)`` average over the weights of the labelled pixels.

    Values that mmseg can compute stay the same.
    """
    module: Any = importlib.import_module('mmseg.models.losses.cross_entropy_loss')
    stock = module.cross_entropy
    if hasattr(stock, '__wrapped__'):
        return

    @wraps(stock)
    def cross_entropy(
        pred: torch.Tensor,
        label: torch.Tensor,
        weight: torch.Tensor | None = None,
        class_weight: torch.Tensor | None = None,
        reduction: str = 'mean',
        avg_factor: float | torch.Tensor | None = None,
        ignore_index: int = -100,
        avg_non_ignore: bool = False,
    ) -> torch.Tensor:
        average = avg_factor is None and reduction == 'mean'
        # Torch says so where their number does not fit.
        if average and class_weight is not None and len(class_weight) == pred.size(1):
            avg_factor = class_weight[label[label != ignore_index]].sum()
        return stock(
            *(pred, label, weight, class_weight),
            *(reduction, avg_factor, ignore_index, avg_non_ignore),
        )

    module.cross_entropy = cross_entropy
