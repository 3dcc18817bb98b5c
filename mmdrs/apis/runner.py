"""Building MMEngine's runner, also for several processes without a GPU."""

import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import torch.distributed as torch_dist
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import init_dist
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner
from mmseg.registry import RUNNERS

from mmdrs.apis.run_config import RunConfig
from mmdrs.datasets.wrappers import name_files_in_errors
from mmdrs.errors import InputError


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config, as MMSegmentation's tools do.

    Raises:
        InputError: If several processes are asked for without a GPU, but
            ``torch.distributed.run`` did not start them.
    """
    if (cfg.get('randomness') or {}).get('deterministic'):
        # Of cuBLAS, which is not deterministic without it; read when CUDA starts.
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    for role in ('train', 'val', 'test'):
        drop_worker_options(cfg.get(f'{role}_dataloader') or {})
    if cfg.get('launcher', 'none') != 'none':
        _prepare_processes(cfg)
    _keep_start_method(cfg)
    cfg = RunConfig.of(cfg)
    # Registries take configs as well as dicts.
    return RUNNERS.build(cast(dict, cfg)) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def _keep_start_method(cfg: Config) -> None:
    """Spawn the processes that load data where this process spawns, and on macOS.

    MMEngine forces the config's method, which is ``fork`` in the configs of MMSegmentation. On
    macOS, system libraries may crash in a fork.
    """
    chosen = multiprocessing.get_start_method(allow_none=True)
    if sys.platform == 'darwin' and chosen in (None, 'fork'):
        chosen = 'spawn'
    given = (cfg.get('env_cfg') or {}).get('mp_cfg')
    if chosen in (None, 'fork') or given is None:
        return
    if given.get('mp_start_method', 'fork') == 'fork':
        cfg.merge_from_dict({'env_cfg.mp_cfg.mp_start_method': chosen})


def drop_worker_options(loader: dict[str, Any]) -> None:
    """Take the options of worker processes out of a loader without any, where torch refuses them.

    Args:
        loader: Config of a data loader, changed in place.
    """
    if not loader.get('num_workers'):
        for key in ('persistent_workers', 'prefetch_factor', 'multiprocessing_context'):
            loader.pop(key, None)


@contextmanager
def running(runner: Runner, loop: BaseLoop | None) -> Iterator[None]:
    """For the run of a runner: end its loading processes, and turn errors into an ``InputError``.

    Args:
        runner: Before its run.
        loop: Of the validation or of the test; its errors name the image that cannot be loaded.

    Raises:
        InputError: One that a loading process raised, without the traceback of that process; or
            if ``randomness.deterministic`` meets an operation that cannot be.
    """
    if loop is not None:
        name_files_in_errors(loop.dataloader.dataset)
    try:
        yield
    except InputError as error:
        _, found, message = str(error).rpartition('\nmmdrs.errors.')
        if not found:
            raise
        raise InputError(message.partition(': ')[2].strip()) from None
    except RuntimeError as error:
        if 'does not have a deterministic implementation' not in str(error):
            raise
        operation = str(error).split()[0]
        raise InputError(
            f'randomness.deterministic=True: {operation} has no deterministic implementation on '
            'this device; give randomness.deterministic=False, or train on the CPU'
        ) from error
    finally:
        release_loaders(runner)


def release_loaders(runner: Runner) -> None:
    """End the worker processes of a finished runner's data loaders.

    If the garbage collector ends them with the rest of the runner, torch waits five seconds for
    each.
    """
    for loop in (runner._train_loop, runner._val_loop, runner._test_loop):
        if isinstance(loop, BaseLoop):
            for name in ('dataloader', 'dataloader_iterator'):
                setattr(loop, name, None)


def start_processes(launcher: str) -> None:
    """Join the process group of a launcher before any runner is built.

    Args:
        launcher: ``'pytorch'``, ``'slurm'`` or ``'mpi'``.

    Raises:
        InputError: As :func:`build_runner`.
    """
    if torch_dist.is_initialized():
        return
    _refuse_mps(launcher)
    if get_device() == 'cpu':
        _start_process_group(Config(dict(launcher=launcher)))
    else:
        init_dist(launcher, _backend({}))


def _prepare_processes(cfg: Config) -> None:
    _refuse_mps(cfg.launcher)
    if get_device() == 'cpu':
        _prepare_cpu_processes(cfg)
        return
    given = (cfg.get('env_cfg') or {}).get('dist_cfg') or {}
    if _backend(given) != given.get('backend', 'nccl'):
        cfg.merge_from_dict({'env_cfg.dist_cfg.backend': _backend(given)})


def _backend(dist_cfg: Mapping[str, Any]) -> str:
    """The backend of the processes: gloo where nccl is asked for but cannot be used.

    Nccl needs a GPU, and torch has it on Linux only.
    """
    wanted = dist_cfg.get('backend', 'nccl')
    usable = get_device() != 'cpu' and torch_dist.is_nccl_available()
    return 'gloo' if wanted == 'nccl' and not usable else wanted


def _refuse_mps(launcher: str) -> None:
    if get_device() == 'mps':
        raise InputError(
            f'--launcher {launcher}: torch cannot connect processes on an Apple GPU (MPS); leave '
            'out --launcher, which runs one process'
        )


def _prepare_cpu_processes(cfg: Config) -> None:
    """Let a distributed run work on a machine without a GPU.

    MMEngine's ``init_dist`` selects a CUDA device, and its runner gives a device number to
    ``DistributedDataParallel``: both fail without a GPU. The runner uses a process group that
    exists already, and a ``model_wrapper_cfg``, so nothing has to be patched.
    """
    if not torch_dist.is_initialized():
        _start_process_group(cfg)
    wrapper = cfg.get('model_wrapper_cfg') or {
        'type': 'MMDistributedDataParallel',
        'broadcast_buffers': False,
        'find_unused_parameters': cfg.get('find_unused_parameters', False),
    }
    if wrapper.get('type', 'MMDistributedDataParallel') == 'MMDistributedDataParallel':
        wrapper.setdefault('device_ids', None)
    cfg.model_wrapper_cfg = wrapper
    if _replace_sync_bn(cfg.model):
        print_log('SyncBN trains on GPUs only: BN takes its place', logger='current')


def _start_process_group(cfg: Config) -> None:
    """Start the process group that ``env_cfg.dist_cfg`` describes, with gloo instead of nccl."""
    if cfg.launcher != 'pytorch' or 'RANK' not in os.environ:
        raise InputError(
            f"--launcher {cfg.launcher}: without a GPU, start the processes with 'python -m "
            "torch.distributed.run' or tools/dist_*.sh, and give --launcher pytorch"
        )
    dist_cfg = cfg.get('env_cfg', {}).get('dist_cfg', {})
    timeout = timedelta(seconds=dist_cfg.timeout) if 'timeout' in dist_cfg else None
    torch_dist.init_process_group(_backend(dist_cfg), timeout=timeout)


def _replace_sync_bn(node: Any) -> bool:
    """Replace SyncBN by BN all through the config of a model. Return whether there was any."""
    found, children = False, node if isinstance(node, list | tuple) else ()
    if isinstance(node, dict):
        found, children = node.get('type') == 'SyncBN', list(node.values())
        if found:
            node['type'] = 'BN'
    return any([found, *map(_replace_sync_bn, children)])
