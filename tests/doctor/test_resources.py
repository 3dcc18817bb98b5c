"""Estimates of memory and disk."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

from mmdrs.cli.options import parse_value
from mmdrs.doctor import resources
from mmdrs.doctor.resources import Job, Needs, disk_bytes, resource_findings, training_needs
from mmdrs.pipeline import load_settings
from tests.pipeline_runs import SETTINGS, tiny_options


def tiny_config(tmp_path: Path, **more: object) -> Config:
    """Of the plain classifier: two convolutions, crops of 32 x 32, batches of 2."""
    options = dict(item.split('=', 1) for item in tiny_options(tmp_path))
    parsed = {key: parse_value(value) for key, value in options.items()}
    return load_settings(SETTINGS, parsed | more).stage_config('plain_classifier', tmp_path)


def job(cfg: Config, **more: object) -> Job:
    given = dict(name='net', kind='train', cfg=cfg, images=6, pixels=100.0, labels=1.5)
    return Job(**(given | more))


def test_memory_of_a_batch_grows_with_batch_and_pixels(tmp_path: Path) -> None:
    base = training_needs(tiny_config(tmp_path))
    with DefaultScope.overwrite_default_scope('mmseg'):
        model = MODELS.build(tiny_config(tmp_path).model)
    count = sum(p.numel() for p in [*model.parameters(), *model.buffers()])
    assert base.weights == 4 * count
    fixed = 3 * base.weights  # weights, gradients, momentum
    twice = training_needs(tiny_config(tmp_path, batch_size=4))
    assert twice.memory - fixed == pytest.approx(2 * (base.memory - fixed), rel=1e-6)
    larger = training_needs(tiny_config(tmp_path, crop=128, resize=128))
    # 64 x 64 are tried then, so that borders count less than at 32 x 32.
    assert larger.memory - fixed == pytest.approx(16 * (base.memory - fixed), rel=0.1)


def test_memory_is_that_of_the_tensors_which_autograd_keeps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a network of two layers, counted by hand."""
    layer = torch.nn.Conv2d(3, 5, 1, bias=False)

    def trial(model: torch.nn.Module, cfg: Config, size: int, grad: bool) -> SimpleNamespace:
        layer(torch.ones(size, 3, 8, 8)).square().sum()
        return SimpleNamespace(pixels=64, whole=256)

    monkeypatch.setattr(resources, 'try_batch', trial)
    monkeypatch.setattr(resources.MODELS, 'build', lambda cfg: layer)
    optimizer = dict(optimizer=dict(type='Adam'))
    cfg = Config(dict(model={}, optim_wrapper=optimizer, train_dataloader=dict(batch_size=6)))
    kept = 2 * 64 * (3 + 5) * 4  # input of the convolution, and of the square
    weights = 3 * 5 * 4  # and gradients, and two moments
    assert training_needs(cfg) == Needs(memory=kept * 3 * 4 + 4 * weights, weights=weights)


def test_disk() -> None:
    hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=2))
    sgd = dict(optimizer=dict(type='SGD'))
    cfg = Config(dict(default_hooks=hooks, train_cfg=dict(max_epochs=9), optim_wrapper=sgd))
    assert disk_bytes(job(cfg), 1000) == 2 * 1000 * 3  # with momentum; one more while written
    cfg.train_cfg.max_epochs = 1
    assert disk_bytes(job(cfg), 1000) == 2 * 1000 * 2
    maps = Config(dict(test_cfg=dict(size=(10, 20))))
    assert disk_bytes(job(maps, kind='maps'), 0) == pytest.approx(6 * 1.5 * 200 * 0.4)
    maps.test_cfg.size = None
    assert disk_bytes(job(maps, kind='maps'), 0) == pytest.approx(6 * 1.5 * 100 * 0.4)
    assert disk_bytes(job(maps, kind='labels'), 0) == pytest.approx(6 * 100 * 0.045)


@pytest.mark.parametrize(('free', 'severity'), [(10**6, None), (55, 'warning'), (53, 'error')])
def test_too_little_disk(
    free: int, severity: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,200 pixels of labels take 54 bytes."""
    usage = SimpleNamespace(free=free)
    monkeypatch.setattr(resources.shutil, 'disk_usage', lambda path: usage)
    labels = job(Config(), kind='labels', images=12)
    found, facts = resource_findings([labels], tmp_path / 'not' / 'there')
    assert [f.severity for f in found] == ([severity] if severity else [])
    assert str(tmp_path) in facts['disk']


def test_memory_and_images_of_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, 'free_memory', lambda: (1000.0, 'GPU'))
    found, facts = resource_findings([job(tiny_config(tmp_path), images=1)], tmp_path)
    assert [f.severity for f in found] == ['error', 'warning']
    assert {f.where for f in found} == {'batch_size'}
    assert 'has 1 images' in found[0].message and 'the GPU has 0.0 MB free' in found[1].message
    assert facts['memory'].endswith('for a batch of net')
