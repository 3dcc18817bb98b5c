"""Configs as the command-line tools use them: found, checked, and changed by the options.

The options mean what they mean in MMSegmentation's ``tools/train.py`` and ``tools/test.py``.
"""

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.runner import Runner
from mmseg.registry import METRICS

from mmdrs.apis.config_path import config_path
from mmdrs.apis.quiet import quiet_log
from mmdrs.apis.settings import apply_settings
from mmdrs.errors import InputError, MissingFileError, did_you_mean

#: Environment variable with the settings file, as the configs of ``configs/custom`` name it.
SETTINGS_VARIABLE = 'MMDRS_SETTINGS'
# Read from a config by MMEngine's runner or by the tools, beside the runner's own arguments.
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
    path: str | os.PathLike,
    cfg_options: dict[str, Any] | None = None,
    work_dir: str | None = None,
    launcher: str = 'none',
    settings: str | os.PathLike | None = None,
    in_place: bool = False,
) -> Config:
    """Read a config file and apply the common options.

    Args:
        path: The config file, or the name of an installed one (``mmdrs::...``, ``mmseg::...``).
        cfg_options: Values to overwrite, by dotted key (``{'train_cfg.max_iters': 3}``).
        work_dir: Directory of logs and checkpoints. It goes before the config's ``work_dir``,
            which goes before ``./work_dirs/<name of the config file>``. A config in its own work
            directory is that of an earlier run, which is left alone: its default is
            ``./work_dirs/<name>.rerun``.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        settings: The settings file: configs of ``configs/custom`` inherit from it, and what it
            shares is applied to any config (:func:`~mmdrs.apis.settings.apply_settings`).
        in_place: Let a config in its own work directory go on there.

    Raises:
        MissingFileError: If there is no such file; lists files with close names.
        InputError: If an option starts with a name that neither the config nor the runner
            knows, or cannot be applied.
    """
    path = config_path(path)
    if not os.path.isfile(path):
        raise MissingFileError(f"config file '{path}' does not exist{_close_files(path)}")
    if settings is None:
        cfg = _read(path)
    else:
        settings = os.path.abspath(config_path(settings))
        with _settings(settings):
            cfg = _read(path)
            apply_settings(cfg, _read(settings))
    cfg.launcher = launcher
    if cfg_options:
        merge_options(cfg, cfg_options)
    cfg.work_dir = work_dir or _default_work_dir(cfg, path, in_place)
    return cfg


def _read(path: str) -> Config:
    """Read a config file.

    Raises:
        InputError: If it imports what is not installed.
    """
    try:
        return Config.fromfile(path)
    except ImportError as error:
        reason = str(error).partition(', the current sys.path is')[0]
        raise InputError(f"the config '{path}' cannot be read: {reason}") from error


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
    os.environ[SETTINGS_VARIABLE] = path
    try:
        with quiet_log():
            yield
    finally:
        if before is None:
            del os.environ[SETTINGS_VARIABLE]
        else:
            os.environ[SETTINGS_VARIABLE] = before


def _close_files(path: str) -> str:
    """Name the files beside ``path`` whose names are close to it."""
    folder = os.path.dirname(path) or '.'
    if not os.path.isdir(folder):
        return f" (nor does the folder '{folder}')"
    files = [name for name in os.listdir(folder) if os.path.isfile(os.path.join(folder, name))]
    return did_you_mean(os.path.basename(path), files)


def merge_options(cfg: Config, cfg_options: dict[str, Any]) -> None:
    """Merge ``--cfg-options``. MMEngine would take a misspelt name for a new one, silently.

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
        cfg.merge_from_dict(cfg_options)
    except (KeyError, TypeError, ValueError) as error:
        reason = error.args[0] if error.args else error
        raise InputError(f'--cfg-options {cfg_options} cannot be applied: {reason}') from error


def apply_amp(cfg: Config) -> None:
    """Train in mixed precision (``--amp``).

    Raises:
        InputError: without an accelerator, which MMEngine's ``AmpOptimWrapper`` needs, or if
            the config's optimizer wrapper is of a type that cannot be exchanged.
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


def apply_tta(cfg: Config) -> None:
    """Test with the config's test-time augmentation (``--tta``).

    Raises:
        InputError: if the config has no ``tta_pipeline`` or no ``tta_model``.
    """
    missing = [name for name in ('tta_pipeline', 'tta_model') if cfg.get(name) is None]
    if missing:
        raise InputError(
            f"--tta: the config '{cfg.filename}' has no {' and no '.join(missing)}; add them, "
            'or test without --tta'
        )
    for dataset in _leaf_datasets(cfg.test_dataloader.dataset):
        dataset.pipeline = cfg.tta_pipeline
    cfg.tta_model.module = cfg.model
    cfg.model = cfg.tta_model


def _leaf_datasets(dataset: Any) -> list[Any]:
    """Return the configs of the datasets within wrappers such as ``ConcatDataset``."""
    inner = dataset.get('datasets') or [dataset[key] for key in ('dataset',) if key in dataset]
    return [leaf for item in inner for leaf in _leaf_datasets(item)] if inner else [dataset]


def apply_output(cfg: Config, out_dir: str) -> None:
    """Have the predictions of a test written as PNG into ``out_dir`` (``--out``).

    Where several metrics write, those with a prefix (``CRFIoUMetric``) do it in a subfolder of
    that name: the files of all are called after the images.

    Raises:
        InputError: if no metric of ``test_evaluator`` writes predictions.
    """
    evaluator = cfg.test_evaluator
    metrics = evaluator if isinstance(evaluator, list | tuple) else [evaluator]
    accepted = [_constructor_arguments(metric['type']) for metric in metrics]
    if not any('output_dir' in names for names in accepted):
        kinds = ', '.join(str(metric['type']) for metric in metrics)
        raise InputError(
            f'--out: none of the metrics of test_evaluator ({kinds}) takes output_dir; '
            'add one that does, such as IoUMetric'
        )
    several = sum('output_dir' in names for names in accepted) > 1
    for metric, names in zip(metrics, accepted, strict=True):
        if 'output_dir' in names:
            prefix = _prefix(metric) if several else None
            metric['output_dir'] = os.path.join(out_dir, prefix) if prefix else out_dir
            # The metric makes it in the first process only: another may write before it does.
            os.makedirs(metric['output_dir'], exist_ok=True)
            if names & {'keep_results', 'kwargs'}:
                metric['keep_results'] = True


def apply_labels(cfg: Config, out_dir: str) -> None:
    """Have a test write pseudo labels into ``out_dir``, without map files on the way.

    The rules are the config's ``pseudo_labels``; where they need saliency maps, these are loaded
    with the images.

    Raises:
        InputError: if the config has no ``pseudo_labels``, or no pipeline that packs images.
    """
    rules = cfg.get('pseudo_labels')
    if not rules:
        raise InputError(
            f"the config '{cfg.filename}' has no pseudo_labels: give their rules, for instance "
            "pseudo_labels=dict(background_cue=dict(type='saliency', threshold=50))"
        )
    cfg.test_evaluator = dict(type='PseudoLabelMetric', **rules)
    if rules['background_cue'].get('type', 'saliency') == 'saliency':
        pipelines = [dataset.pipeline for dataset in _leaf_datasets(cfg.test_dataloader.dataset)]
        for pipeline in [*pipelines, *([cfg.tta_pipeline] if cfg.get('tta_pipeline') else [])]:
            _load_saliency(cfg, pipeline)
    apply_output(cfg, out_dir)


def _load_saliency(cfg: Config, pipeline: list[Any]) -> None:
    """Put LoadSaliencyMap before the step of a test pipeline that packs its results."""
    kinds = [step['type'] for step in pipeline]
    last = [i for i, kind in enumerate(kinds) if kind in ('PackDRSInputs', 'TestTimeAug')]
    if not last:
        raise InputError(
            f"the test pipeline of '{cfg.filename}' ends with {kinds[-1]}; saliency maps need "
            'PackDRSInputs at its end'
        )
    if 'LoadSaliencyMap' not in kinds:
        pipeline.insert(last[0], dict(type='LoadSaliencyMap'))


def _constructor_arguments(kind: str | type) -> set[str]:
    """Return the names of the arguments of a metric; none for a metric nobody registered."""
    metric = METRICS.get(kind) if isinstance(kind, str) else kind
    names: set[str] = set()
    for parent in metric.__mro__ if metric is not None else ():
        if '__init__' in vars(parent):
            own = set(inspect.signature(parent.__init__).parameters)
            names |= own
            if 'kwargs' not in own:  # else the next of its parents takes the rest
                break
    return names


def _prefix(metric: Any) -> str | None:
    """Return the prefix of the names of a metric's scores, the given or its class's."""
    kind = metric['type']
    kind = METRICS.get(kind) if isinstance(kind, str) else kind
    return metric.get('prefix') or kind.default_prefix


def apply_show(
    cfg: Config, show: bool = False, show_dir: str | None = None, wait_time: float = 2.0
) -> None:
    """Show the painted predictions, or write them into ``show_dir`` (``--show``, ``--show-dir``).

    Every image is painted: MMSegmentation's default of one in 50 shows nothing of a small set.

    Args:
        cfg: changed in place.
        show: open a window.
        show_dir: directory in which painted images are saved.
        wait_time: seconds that an image stays in the window.

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
