"""Estimates before a run: the memory of a training batch, and the disk that results take."""

import math
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS

from mmdrs.apis.batches import require_batch
from mmdrs.apis.quiet import quiet_log
from mmdrs.apis.trial_batch import try_batch
from mmdrs.errors import InputError
from mmdrs.findings import Finding

#: Bytes of a stored map per value: levels of 8 bits, compressed. VGG's maps of VOC take 0.4.
MAP_BYTES = 0.4
#: Bytes of a label or prediction PNG per pixel: 8 kB for 500 x 375.
LABEL_BYTES = 0.045
#: Copies of the weights that an optimiser keeps; others are counted as Adam.
_STATES = {'SGD': 1, 'Adam': 2, 'AdamW': 2}
#: Share of the free memory or disk that may be needed without a word.
_TIGHT = 0.9
_NUMBER_BYTES = 4  # of a weight


@dataclass(frozen=True)
class Job:
    """What a stage does, as far as it needs memory and disk.

    Attributes:
        name: Of the stage.
        kind: A training, or what it writes for each image.
        cfg: Its config.
        images: How many images it trains on, or writes files of.
        pixels: Mean pixels of an image.
        labels: Mean number of classes of an image.
    """

    name: str
    kind: Literal['train', 'maps', 'labels']
    cfg: Config
    images: int
    pixels: float
    labels: float


@dataclass(frozen=True)
class Needs:
    """What a training needs, in bytes: ``memory`` for a batch, ``weights`` of the network."""

    memory: int
    weights: int


def training_needs(cfg: Config) -> Needs | None:
    """Estimate what a training needs, from one batch of random images at 64 x 64.

    What the backward pass keeps grows with the pixels; weights, gradients and the optimiser's
    state do not. Libraries need some space besides. None where the batch cannot be tried.

    Raises:
        Exception: What a wrong config makes the libraries raise.
    """
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in fixed:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    scope = DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmseg'))
    with scope, quiet_log(), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        model = MODELS.build(cfg.model)
        parameters = [*model.parameters(), *model.buffers()]
        fixed = {parameter.untyped_storage().data_ptr() for parameter in parameters}
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            trial = try_batch(model, cfg, 2, grad=True)
    if trial is None:
        return None
    weights = _NUMBER_BYTES * sum(parameter.numel() for parameter in parameters)
    images = cfg.train_dataloader.batch_size / 2 * trial.whole / trial.pixels
    memory = sum(kept.values()) * images + weights * (2 + _states(cfg))
    return Needs(round(memory), weights)


def _states(cfg: Config) -> int:
    return _STATES.get(str(cfg.optim_wrapper.optimizer.type), 2)


def disk_bytes(job: Job, weights: int) -> float:
    """Bytes that a stage will take: checkpoints, maps, or labels."""
    if job.kind == 'train':
        hook = (job.cfg.get('default_hooks') or {}).get('checkpoint') or {}
        loop = job.cfg.train_cfg
        epochs = loop.get('max_epochs') or loop.get('max_iters', 1)
        written = max(1, epochs // max(1, hook.get('interval', 1)))
        limit = hook.get('max_keep_ckpts', -1)
        kept = written if limit < 1 else min(limit, written)
        # While one is written, the one that it replaces is still there.
        return weights * (1 + _states(job.cfg)) * (kept + 1 + bool(hook.get('save_best')))
    if job.kind == 'labels':
        return job.images * job.pixels * LABEL_BYTES
    size = (job.cfg.get('test_cfg') or {}).get('size')
    return job.images * job.labels * MAP_BYTES * (math.prod(size) if size else job.pixels)


def resource_findings(jobs: Sequence[Job], work_dir: Path) -> tuple[list[Finding], dict[str, Any]]:
    """Compare what the stages need with what is free.

    Args:
        jobs: The stages.
        work_dir: Where the results go.

    Returns:
        Findings, and facts: the estimates.
    """
    findings, disk, needs = [], 0.0, {}
    for job in jobs:
        own = None
        if job.kind == 'train':
            findings += _batch_findings(job)
            own = _needs_of(job)
            if own is not None:
                needs[job.name] = own
        disk += disk_bytes(job, own.weights if own else 0)
    facts = {}
    if needs:
        name = max(needs, key=lambda stage: needs[stage].memory)
        facts['memory'] = f'about {size(needs[name].memory)} for a batch of {name}'
        findings += _memory_findings(name, needs[name].memory, *free_memory())
    folder = next(path for path in (work_dir, *work_dir.parents) if path.is_dir())
    free = shutil.disk_usage(folder).free
    facts['disk'] = f'about {size(disk)} of results; {size(free)} free in {folder}'
    if disk > _TIGHT * free:
        severity = 'error' if disk > free else 'warning'
        remedy = 'Free some space, or give another --work-dir.'
        findings.append(Finding(severity, 'work_dir', facts['disk'], remedy=remedy))
    return findings, facts


def _batch_findings(job: Job) -> list[Finding]:
    try:
        require_batch(job.cfg.train_dataloader, job.images)
    except InputError as error:
        return [Finding('error', 'batch_size', str(error))]
    return []


def _needs_of(job: Job) -> Needs | None:
    """Those of a training; None where its config is wrong, which the check of the stages says."""
    try:
        return training_needs(job.cfg)
    except Exception:  # a config may make the libraries raise anything
        return None


def free_memory() -> tuple[float, str]:
    """Free bytes of the GPU, or of this machine; infinite where unknown. And what they are of."""
    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0]), 'GPU'
    try:
        text = Path('/proc/meminfo').read_text('utf-8')
        kilobytes = next(line.split()[1] for line in text.splitlines() if 'MemAvailable' in line)
        return 1024.0 * int(kilobytes), 'machine'
    except (OSError, StopIteration, IndexError):
        return math.inf, os.name


def _memory_findings(name: str, needed: int, free: float, owner: str) -> list[Finding]:
    if needed <= _TIGHT * free:
        return []
    message = f'{name} needs about {size(needed)} for a batch, the {owner} has {size(free)} free'
    remedy = 'Give a smaller batch_size or crop, or Bfloat16OptimWrapper or --amp.'
    return [Finding('warning', 'batch_size', message, remedy=remedy)]


def size(number: float) -> str:
    """Bytes in words: ``1.2 GB``."""
    unit, scale = ('GB', 1e9) if number >= 1e9 else ('MB', 1e6)
    return f'{number / scale:.1f} {unit}'


def mean_labels(counts: Sequence[Mapping[str, Any]]) -> float:
    """Mean number of classes of the images of data infos; 1 where they have no labels."""
    own = [float(info['img_label'].sum()) for info in counts if 'img_label' in info]
    return sum(own) / len(own) if own else 1.0
