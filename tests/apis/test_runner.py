"""Several processes on a machine without a GPU."""

from datetime import timedelta

import pytest
from mmengine.config import Config

from mmdrs.apis import InputError, build_runner, runner


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list:
    """Collects how process groups are started; no runner is built, and there is no GPU."""
    calls = []

    def start(backend: str, **options: timedelta) -> None:
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
        (dict(), ('gloo', {})),
        (dict(backend='nccl', timeout=90), ('gloo', {'timeout': timedelta(seconds=90)})),
        (dict(backend='mpi'), ('mpi', {})),
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
    assert 'model_wrapper_cfg' not in build_runner(cfg)
    assert prepared == []


def test_processes_must_have_been_started(prepared: list, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = config()
    cfg.launcher = 'slurm'
    with pytest.raises(InputError, match=r'--launcher slurm: without a GPU'):
        build_runner(cfg)
    monkeypatch.delenv('RANK')
    with pytest.raises(InputError, match=r'torch\.distributed\.run'):
        build_runner(config())
