"""Several processes on a machine without a GPU, loaders without workers, determinism."""

import os
from datetime import timedelta
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from mmdrs.apis import InputError, build_runner, runner
from mmdrs.apis.run_config import RunConfig


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list:
    """Collects how process groups are started; no runner is built, and there is no GPU."""
    calls = []

    def start(backend: str, **options: timedelta | None) -> None:
        calls.append((backend, options))

    monkeypatch.setattr(runner, 'get_device', lambda: 'cpu')
    monkeypatch.setattr(runner.torch_dist, 'is_initialized', lambda: False)
    monkeypatch.setattr(runner.torch_dist, 'init_process_group', start)
    monkeypatch.setattr(runner.Runner, 'from_cfg', lambda cfg: cfg)
    monkeypatch.setenv('RANK', '0')
    return calls


def config(**values: object) -> Config:
    return Config(dict(model=dict(type='A'), launcher='pytorch', **values))


@pytest.mark.parametrize(
    ('dist_cfg', 'started'),
    [
        (dict(), ('gloo', {'timeout': None})),
        (dict(backend='nccl', timeout=90), ('gloo', {'timeout': timedelta(seconds=90)})),
        (dict(backend='mpi'), ('mpi', {'timeout': None})),
    ],
)
def test_backend(prepared: list, dist_cfg: dict, started: tuple) -> None:
    cfg = build_runner(config(env_cfg=dict(dist_cfg=dist_cfg), find_unused_parameters=True))
    assert prepared == [started]
    assert cfg.model_wrapper_cfg == dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=True,
        device_ids=None,
    )


@pytest.mark.parametrize(
    ('has_nccl', 'dist_cfg', 'backend'),
    [
        (True, dict(backend='nccl'), 'nccl'),
        (False, dict(backend='nccl'), 'gloo'),
        (False, dict(), 'gloo'),
        (False, dict(backend='mpi'), 'mpi'),
    ],
)
def test_gpu_without_nccl(
    has_nccl: bool, dist_cfg: dict, backend: str, prepared: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows. MMEngine starts the processes, of whose group the config tells it."""
    started = []
    monkeypatch.setattr(runner, 'get_device', lambda: 'cuda')
    monkeypatch.setattr(runner.torch_dist, 'is_nccl_available', lambda: has_nccl)
    monkeypatch.setattr(runner, 'init_dist', lambda *given: started.append(given))
    cfg = build_runner(config(env_cfg=dict(dist_cfg=dist_cfg)))
    assert cfg.env_cfg.dist_cfg.get('backend') == backend
    runner.start_processes('pytorch')
    assert started == [('pytorch', 'nccl' if has_nccl else 'gloo')]
    assert prepared == []


def test_apple_gpu_runs_one_process(prepared: list, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, 'get_device', lambda: 'mps')
    with pytest.raises(InputError, match='MPS'):
        build_runner(config())
    with pytest.raises(InputError, match='MPS'):
        runner.start_processes('pytorch')


@pytest.mark.parametrize(
    ('platform', 'chosen', 'given', 'kept'),
    [
        ('linux', None, dict(mp_start_method='fork'), dict(mp_start_method='fork')),
        ('linux', 'fork', dict(mp_start_method='spawn'), dict(mp_start_method='spawn')),
        ('linux', 'spawn', dict(mp_start_method='fork'), dict(mp_start_method='spawn')),
        ('linux', 'spawn', dict(), dict(mp_start_method='spawn')),
        ('linux', 'spawn', None, None),
        ('darwin', None, dict(mp_start_method='fork'), dict(mp_start_method='spawn')),
        ('darwin', 'forkserver', dict(), dict(mp_start_method='forkserver')),
        ('win32', 'spawn', dict(mp_start_method='fork'), dict(mp_start_method='spawn')),
    ],
)
def test_start_method_of_loading_processes(
    platform: str,
    chosen: str | None,
    given: dict | None,
    kept: dict | None,
    prepared: list,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner.sys, 'platform', platform)
    monkeypatch.setattr(
        runner.multiprocessing, 'get_start_method', lambda allow_none=False: chosen
    )
    cfg = build_runner(config(env_cfg=dict(mp_cfg=given)))
    assert cfg.env_cfg.mp_cfg == kept


def test_own_wrapper_is_kept(prepared: list) -> None:
    cfg = build_runner(config(model_wrapper_cfg=dict(type='Other', a=1)))
    assert cfg.model_wrapper_cfg == dict(type='Other', a=1)
    cfg = build_runner(config(model_wrapper_cfg=dict(static_graph=True)))
    assert cfg.model_wrapper_cfg == dict(static_graph=True, device_ids=None)


def test_sync_bn_becomes_bn(prepared: list) -> None:
    sync, plain = dict(type='SyncBN', momentum=0.1), dict(type='BN', momentum=0.1)
    cfg = config()
    cfg.model = dict(norm_cfg=sync, heads=[dict(norm_cfg=sync), dict(type='SyncBNHead')])
    model = build_runner(cfg).model
    assert model == dict(norm_cfg=plain, heads=[dict(norm_cfg=plain), dict(type='SyncBNHead')])


def test_one_process_is_left_alone(prepared: list) -> None:
    cfg = config(norm_cfg=dict(type='SyncBN'))
    cfg.launcher = 'none'
    built = build_runner(cfg)
    assert 'model_wrapper_cfg' not in built
    assert prepared == []
    assert isinstance(built, RunConfig)


def test_processes_must_have_been_started(prepared: list, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = config()
    cfg.launcher = 'slurm'
    with pytest.raises(InputError, match=r'--launcher slurm: without a GPU'):
        build_runner(cfg)
    monkeypatch.delenv('RANK')
    with pytest.raises(InputError, match=r'torch\.distributed\.run'):
        build_runner(config())


def test_loaders_without_worker_processes(prepared: list) -> None:
    """`num_workers=0` by hand, in a config that was written for workers."""
    options = dict(persistent_workers=True, prefetch_factor=4, batch_size=2)
    cfg = config(
        train_dataloader=dict(options, num_workers=0),
        val_dataloader=dict(options, num_workers=2),
        test_dataloader=None,
    )
    built = build_runner(cfg)
    assert built.train_dataloader == dict(num_workers=0, batch_size=2)
    assert built.val_dataloader == dict(options, num_workers=2)


@pytest.mark.parametrize(('given', 'wanted'), [(None, ':4096:8'), (':16:8', ':16:8')])
def test_deterministic_workspace_of_cublas(
    prepared: list, monkeypatch: pytest.MonkeyPatch, given: str | None, wanted: str
) -> None:
    monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', '')
    monkeypatch.delenv('CUBLAS_WORKSPACE_CONFIG')
    build_runner(config(randomness=dict(seed=1, deterministic=False)))
    assert 'CUBLAS_WORKSPACE_CONFIG' not in os.environ
    if given:
        monkeypatch.setenv('CUBLAS_WORKSPACE_CONFIG', given)
    build_runner(config(randomness=dict(seed=1, deterministic=True)))
    assert os.environ['CUBLAS_WORKSPACE_CONFIG'] == wanted


def test_an_operation_that_cannot_be_deterministic() -> None:
    """The words of torch, for an operation of the CPU in place of one of a GPU."""
    loops = SimpleNamespace(_train_loop=None, _val_loop=None, _test_loop=None)
    torch.use_deterministic_algorithms(True)
    try:
        refused = pytest.raises(InputError, match='deterministic=True: .*has no deterministic im')
        with refused, runner.running(loops, None):
            torch.ones(4).put_(torch.tensor([1]), torch.ones(1), accumulate=False)
    finally:
        torch.use_deterministic_algorithms(False)
    with pytest.raises(RuntimeError, match='^other$'), runner.running(loops, None):
        raise RuntimeError('other')
