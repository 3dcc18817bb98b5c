"""Configs for the command-line tools: found, checked, and changed by the options.

The options mean what they mean in MMSegmentation's ``tools/train.py`` and ``tools/test.py``.
"""

import inspect
import os
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import METRICS

from mmdrs.apis.quiet import quiet_log
from mmdrs.apis.shared_settings import SHARED_KEYS, apply_settings, check_settings
from mmdrs.compat import config_path
from mmdrs.datasets.wrappers import leaf_datasets
from mmdrs.errors import InputError, MissingFileError, blamed_on, did_you_mean, naming
from mmdrs.pseudo_labels.saliency_source import with_source
from mmdrs.reading import reason_of

#: Environment variable from which the configs of ``configs/custom`` take the settings file.
SETTINGS_VARIABLE = 'MMDRS_SETTINGS'
#: Key of a config that names its settings.
_OWN_SETTINGS = 'default_settings'
# What MMEngine's runner or the tools read from a config, besides the runner's arguments.
_OTHER_NAMES = (
    'compile',
    'custom_imports',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'sync_bn',
    'tta_model',
    'tta_pipeline',
)


def load_config(
    path: str | os.PathLike[str],
    cfg_options: dict[str, Any] | None = None,
    work_dir: str | None = None,
    launcher: str = 'none',
    settings: str | os.PathLike[str] | None = None,
    in_place: bool = False,
) -> Config:
    """Read a config file and apply the common options.

    Args:
        path: The config file, or the name of an installed one (``mmdrs::...``, ``mmseg::...``).
        cfg_options: Values to overwrite, by dotted key (``{'train_cfg.max_iters': 3}``); with
            settings also those that they share (``{'seed': 1}``).
        work_dir: Directory of logs and checkpoints. The default is the config's ``work_dir``, then
            ``./work_dirs/<name of the config file>``. A config in its own work directory is that
            of an earlier run: its default is ``./work_dirs/<name>.rerun``.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        settings: The settings file: configs of ``configs/custom`` inherit from it, and what it
            shares is applied to any config (:func:`~mmdrs.apis.shared_settings.apply_settings`).
            The default is the config's ``default_settings``, if it has such a line and the
            environment names no settings: the name of an installed file, or a path, absolute or
            from the config.
        in_place: Let a config in its own work directory continue there.

    Raises:
        MissingFileError: If there is no such file; lists files with close names.
        InputError: If an option starts with an unknown name or cannot be applied, or if the
            config imports what is not installed.
    """
    options = dict(cfg_options or {})
    cfg, path = _with_settings(path, settings, options)
    cfg.pop(_OWN_SETTINGS, None)  # they are applied; a stored config needs no settings
    cfg.launcher = launcher
    if options:
        merge_options(cfg, options)
    cfg.work_dir = work_dir or _default_work_dir(cfg, path, in_place)
    return cfg


def _with_settings(
    path: str | os.PathLike[str], settings: str | os.PathLike[str] | None, options: dict[str, Any]
) -> tuple[Config, str]:
    """The config with its settings applied, and its file.

    Options that the settings share are applied to them, and taken out of ``options``.
    """
    if settings is None:
        path = _existing(path)
        cfg = _read(path)
        settings = _own_settings(cfg, path)
        if settings is None:
            return cfg, path
    settings = os.path.abspath(config_path(settings))
    with _settings(settings):
        shared = _read(settings)
        if shared.get('model'):
            raise InputError(
                f"--settings: '{settings}' is the config of one network (it has a `model`), "
                'no settings file; give it in place of the config'
            )
        given = {key: options.pop(key) for key in SHARED_KEYS if key in options}
        shared.merge_from_dict({k: _as_present(shared, k, v) for k, v in given.items()})
        values = cast(Mapping[str, Any], shared)
        _refuse_settings(options, values, settings)
        with naming(f"with the settings '{settings}'"):
            check_settings(values)
            path = _existing(path)
            cfg = _read(path)
            with blamed_on(f"they do not fit the config '{path}'"):
                apply_settings(cfg, values)
    return cfg, path


def _refuse_settings(
    cfg_options: Mapping[str, Any], settings: Mapping[str, Any], path: str
) -> None:
    """Refuse options that are settings: the config has taken the values of the file already."""
    read_later = {*inspect.signature(Runner.__init__).parameters, *_OTHER_NAMES, 'pseudo_labels'}
    for key in cfg_options:
        name = key.split('.')[0]
        if name in settings and name not in read_later:
            raise InputError(
                f"--cfg-options '{key}': `{name}` is a setting, from which the config has been "
                f"made already; write a settings file with _base_ = '{path}' that changes it, or "
                'give the option to mmdrs run'
            )


def _own_settings(cfg: Config, path: str) -> str | None:
    """The settings that a config takes where none are given."""
    name = cfg.get(_OWN_SETTINGS)
    if name is None or SETTINGS_VARIABLE in os.environ:
        return None
    return os.path.join(os.path.dirname(path), config_path(name))


def _existing(path: str | os.PathLike[str]) -> str:
    path = config_path(path)
    if not os.path.isfile(path):
        raise MissingFileError(f"config file '{path}' does not exist{_close_files(path)}")
    return path


def _read(path: str) -> Config:
    try:
        return Config.fromfile(path)
    except Exception as error:  # a config is Python: it may raise anything
        reason = _failed_import(error) or reason_of(error)
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == path]
        line = getattr(error, 'lineno', None) or (lines[-1] if lines else None)
        where = f', line {line}' if line else ''
        raise InputError(
            f"the config '{path}' cannot be read{where}: {type(error).__name__}: {reason}"
        ) from error


def _failed_import(error: Exception) -> str:
    """Why a module of ``custom_imports`` cannot be imported; '' for other errors.

    MMEngine's own text is long, and does not say what is wrong in a module that it has found.
    """
    cause = error.__cause__
    if not isinstance(error, ImportError) or not isinstance(cause, ImportError):
        return ''
    return (
        f'custom_imports: {reason_of(cause.__context__ or cause)} (Python must find the module: '
        'install its project with pip install -e, or put its folder on PYTHONPATH)'
    )


def _default_work_dir(cfg: Config, path: str, in_place: bool) -> str:
    stem = os.path.splitext(os.path.basename(path))[0]
    own = cfg.get('work_dir')
    if own is None:
        return os.path.join('./work_dirs', stem)
    if not in_place and os.path.realpath(own) == os.path.dirname(os.path.realpath(path)):
        return os.path.join('./work_dirs', f'{stem}.rerun')
    return own


@contextmanager
def _settings(path: str) -> Iterator[None]:
    """Let configs inherit from this settings file, without a log line for each config read."""
    if not os.path.isfile(path):
        raise MissingFileError(f"settings file '{path}' does not exist{_close_files(path)}")
    before = os.environ.get(SETTINGS_VARIABLE)
    # MMEngine puts it between the quotes of a Python text, by `re.sub`, which reads backslashes.
    quoted = re.sub(r'([\\\'"])', r'\\\1', path)
    os.environ[SETTINGS_VARIABLE] = quoted.replace('\\', r'\\')
    try:
        with quiet_log():
            yield
    finally:
        del os.environ[SETTINGS_VARIABLE]
        if before is not None:
            os.environ[SETTINGS_VARIABLE] = before


def _close_files(path: str) -> str:
    """Name the files in the same folder with names close to ``path``."""
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        return f" (nor does the folder '{folder}')"
    files = [name for name in os.listdir(folder) if os.path.isfile(os.path.join(folder, name))]
    return did_you_mean(os.path.basename(path), files)


def merge_options(cfg: Config, cfg_options: dict[str, Any]) -> None:
    """Merge ``--cfg-options``, where MMEngine would silently accept a misspelt name as a new one.

    Raises:
        InputError: If an option starts with an unknown name, or cannot be applied.
    """
    known = {*cfg, *inspect.signature(Runner.__init__).parameters, *_OTHER_NAMES} - {'self'}
    for key in cfg_options:
        name = key.split('.')[0]
        if name not in known:
            raise InputError(
                f"--cfg-options '{key}': the config '{cfg.filename}' has no '{name}'"
                f'{did_you_mean(name, known)}'
            )
    try:
        cfg.merge_from_dict({k: _as_present(cfg, k, v) for k, v in cfg_options.items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = error.args[0] if error.args else error
        raise InputError(f'--cfg-options {cfg_options} cannot be applied: {reason}') from error


#: How the names of options end that are files and folders.
_FILE_KEYS = ('_root', '_list', '_dir', '_path', '_file', '_prefix', '_suffix')


def _as_present(cfg: Config, key: str, value: Any) -> Any:
    """A number as text where text is: the folder ``2012``, the class ``7``."""
    present: Any = cfg
    for part in key.split('.'):
        if isinstance(present, list) and part.isdigit() and int(part) < len(present):
            present = present[int(part)]
        else:
            present = present.get(part) if isinstance(present, dict | Config) else None
    if isinstance(value, list | tuple):
        texts = isinstance(present, list | tuple) and all(isinstance(p, str) for p in present)
        return type(value)(_number_as_text(v) for v in value) if texts and present else value
    text = isinstance(present, str) or key.endswith(_FILE_KEYS)
    return _number_as_text(value) if text else value


def _number_as_text(value: Any) -> Any:
    return str(value) if type(value) in (int, float) else value


def apply_amp(cfg: Config) -> None:
    """Train in mixed precision (``--amp``).

    Raises:
        InputError: without an accelerator, which MMEngine's ``AmpOptimWrapper`` needs, or if
            the config's optimizer wrapper has another type than ``OptimWrapper``.
    """
    if get_device() in ('cpu', 'mps'):
        raise InputError(
            '--amp needs a GPU: MMEngine trains in mixed precision on accelerators only, '
            f"and the device here is '{get_device()}'"
        )
    kind = cfg.get('optim_wrapper', {}).get('type')
    name = getattr(kind, '__name__', str(kind)).split('.')[-1]
    if name == 'AmpOptimWrapper':
        print_log('--amp: the config already trains in mixed precision', logger='current')
        return
    if name != 'OptimWrapper':
        raise InputError(f"--amp needs optim_wrapper.type='OptimWrapper', but it is {kind!r}")
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    cfg.optim_wrapper.loss_scale = 'dynamic'


def require_network(cfg: Config) -> None:
    """Check that a config is that of a network.

    Raises:
        InputError: If it is a settings file, or has no model; says what it is given to.
    """
    if cfg.get('model'):
        return
    if cfg.get('stages'):
        raise InputError(
            f"'{cfg.filename}' is a settings file (it has `stages`), not the config of one "
            f'network: run its stages with mmdrs run {cfg.filename}, or give the config of a '
            f'stage and --settings {cfg.filename}'
        )
    raise InputError(f"the config '{cfg.filename}' has no model")


def require_test_data(cfg: Config) -> None:
    """Check that a config can be tested.

    Raises:
        InputError: If it has no test data, as a pipeline without masks stores it.
    """
    if cfg.get('test_dataloader') is None or cfg.get('test_evaluator') is None:
        raise InputError(
            f"the config '{cfg.filename}' has no test_dataloader and test_evaluator, as it was "
            'stored without masks: give val_list (or eval_list) and mask_dir in the settings to '
            'score the network; single images are segmented by mmseg.apis.inference_model'
        )


def apply_tta(cfg: Config) -> None:
    """Test with the config's test-time augmentation (``--tta``).

    A config that already does, such as one stored by such a test, is left as it is.

    Raises:
        InputError: if the config has no ``tta_pipeline`` or no ``tta_model``.
    """
    require_test_data(cfg)
    missing = [name for name in ('tta_pipeline', 'tta_model') if cfg.get(name) is None]
    if missing:
        raise InputError(
            f"--tta: the config '{cfg.filename}' has no {' and no '.join(missing)}; add them, "
            'or test without --tta'
        )
    if 'module' in cfg.model:
        return
    for dataset in leaf_datasets(cfg.test_dataloader.dataset):
        dataset.pipeline = cfg.tta_pipeline
    cfg.model = dict(cfg.tta_model, module=cfg.model)


def apply_output(cfg: Config, out_dir: str) -> None:
    """Write the predictions of a test as PNG into ``out_dir`` (``--out``).

    All metrics name their files after the images. Where several write, those with a prefix
    (``CRFIoUMetric``) do it in a subfolder of that name.

    Raises:
        InputError: if no metric of ``test_evaluator`` writes predictions.
    """
    require_test_data(cfg)
    evaluator = cfg.test_evaluator
    metrics = evaluator if isinstance(evaluator, list | tuple) else [evaluator]
    kinds = [metric['type'] for metric in metrics]
    classes = [METRICS.get(kind) if isinstance(kind, str) else kind for kind in kinds]
    accepted = [set(inspect.signature(kind).parameters) if kind else set() for kind in classes]
    writers = [index for index, names in enumerate(accepted) if 'output_dir' in names]
    if not writers:
        named = ', '.join(map(str, kinds))
        raise InputError(
            f'--out: none of the metrics of test_evaluator ({named}) takes output_dir; '
            'add one that does, such as IoUMetric'
        )
    for index in writers:
        metric = metrics[index]
        prefix = metric.get('prefix') or getattr(classes[index], 'default_prefix', None)
        apart = len(writers) > 1 and prefix
        metric['output_dir'] = os.path.join(out_dir, str(prefix)) if apart else out_dir
        # The metric makes it in the first process only, and another may write earlier.
        os.makedirs(metric['output_dir'], exist_ok=True)
        if 'keep_results' in accepted[index]:
            metric['keep_results'] = True


def apply_labels(cfg: Config, out_dir: str) -> None:
    """Write pseudo labels by the config's ``pseudo_labels`` into ``out_dir``, without map files.

    Raises:
        InputError: if the config has no ``pseudo_labels``.
    """
    rules = cfg.get('pseudo_labels')
    if not rules:
        raise InputError(
            f"the config '{cfg.filename}' has no pseudo_labels: give their rules, for instance "
            "pseudo_labels=dict(background_cue=dict(type='saliency', threshold=50))"
        )
    rules = with_source(rules, leaf_datasets(cfg.test_dataloader.dataset)[0])
    cfg.test_evaluator = dict(type='PseudoLabelMetric', **rules)
    apply_output(cfg, out_dir)


def apply_show(
    cfg: Config, show: bool = False, show_dir: str | None = None, wait_time: float = 2.0
) -> None:
    """Show the painted predictions, or write them into ``show_dir`` (``--show``, ``--show-dir``).

    Every image is painted: MMSegmentation's default, one in 50, skips small sets. An image stays
    in the window for ``wait_time`` seconds.

    Raises:
        InputError: if the config has no ``default_hooks.visualization`` or no ``visualizer``.
    """
    hook = cfg.get('default_hooks', {}).get('visualization')
    if hook is None or cfg.get('visualizer') is None:
        raise InputError(
            '--show and --show-dir need default_hooks.visualization='
            "dict(type='SegVisualizationHook') and a visualizer in the config"
        )
    hook.update(draw=True, interval=1)
    if show:
        hook.update(show=True, wait_time=wait_time)
    if show_dir:
        cfg.visualizer['save_dir'] = show_dir
