"""Memory, open files, threads and shared memory stay as they are over many iterations.

The bounds are generous: a leak of an image or of a file descriptor in each iteration breaks them.
"""

import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from mmdrs import apis
from mmdrs.apis.pool import ordered_map
from mmdrs.apis.pseudo_labels import make_pseudo_labels
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.rules import LabelRules
from tests.conftest import TINY_SIZE
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')
pytestmark = pytest.mark.skipif(not Path('/proc/self/fd').is_dir(), reason='reads /proc')


class Used(NamedTuple):
    """What this process uses."""

    megabytes: float
    files: int
    threads: int
    shared: int  # files in /dev/shm

    @classmethod
    def now(cls) -> 'Used':
        gc.collect()
        status = Path('/proc/self/status').read_text()
        kilobytes, threads = (
            int(re.search(rf'{name}:\s+(\d+)', status)[1]) for name in ('VmRSS', 'Threads')
        )
        shared = [name for name in os.listdir('/dev/shm') if str(os.getpid()) in name]
        return cls(kilobytes / 1024, len(os.listdir('/proc/self/fd')), threads, len(shared))


def assert_flat(found: list[Used], megabytes: float = 12) -> None:
    """The second half uses what the first half does."""
    half = len(found) // 2
    first = Used(*(max(values) for values in zip(*found[:half], strict=True)))
    second = Used(*(max(values) for values in zip(*found[half:], strict=True)))
    assert second.megabytes < first.megabytes + megabytes, found
    assert second.files <= first.files + 4, found
    assert second.threads <= first.threads, found
    assert second.shared <= first.shared + 2, found


@HOOKS.register_module()
class UsedHook(Hook):
    """Measures at every 10th iteration, after 40 to warm up; leaks something where asked to."""

    def __init__(self, leak: str | None = None) -> None:
        self.leak = leak
        self.leaked = []
        self.found: list[Used] = []

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        if self.leak == 'memory':
            self.leaked.append(np.ones((400, 400, 3)))  # 4 MB, more than may be free
        if self.leak == 'file':
            self.leaked.append(open(os.devnull))  # noqa: SIM115
        if runner.iter >= 40 and runner.iter % 10 == 0:
            self.found.append(Used.now())


@pytest.mark.parametrize('leak', [None, 'memory', 'file'])
def test_training(
    leak: str | None, tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('TINY_VOC', str(tiny_voc))
    options = {
        'train_cfg.max_iters': 121,
        'train_cfg.val_interval': 1000,
        'train_dataloader.num_workers': 0 if leak else 2,
        'default_hooks.logger.interval': 20,
        'default_hooks.checkpoint.interval': 20,
        'default_hooks.checkpoint.max_keep_ckpts': 1,
    }
    cfg = apis.load_config(TINY, options, str(tmp_path))
    cfg.custom_hooks = [dict(type='UsedHook', leak=leak)]
    runner = apis.train_model(cfg)
    found = next(hook for hook in runner.hooks if isinstance(hook, UsedHook)).found
    assert len(found) == 9
    if leak:
        with pytest.raises(AssertionError):
            assert_flat(found)
    else:
        assert_flat(found)


def test_labels_in_this_process(tiny_voc: Path, tmp_path: Path) -> None:
    """Each worker process does the same."""
    maps = LocalizationMaps((0,), np.zeros((1, *TINY_SIZE), np.uint8), TINY_SIZE)
    write_maps(tmp_path / 'img_0.npz', maps)
    found = []

    def images() -> Iterator[dict]:
        yield dict(
            img_id='img_0',
            img_path=str(tiny_voc / 'JPEGImages' / 'img_0.jpg'),
            saliency_path=str(tiny_voc / 'saliency_map' / 'img_0.png'),
            seg_map_path=str(tiny_voc / 'SegmentationClass' / 'img_0.png'),
        )

    rules = LabelRules.from_config(dict(background_cue=dict(type='saliency', threshold=50)))
    for number in range(300):
        (tmp_path / 'out' / 'img_0.png').unlink(missing_ok=True)
        list(make_pseudo_labels(images(), tmp_path, tmp_path / 'out', rules, [[0] * 3] * 4, 4))
        if number >= 50 and number % 25 == 0:
            found.append(Used.now())
    assert_flat(found)


def used_after(number: int) -> Used | None:
    return Used.now() if number % 25 == 0 else None


def test_pool() -> None:
    """Its processes over one long run, and this process over several short ones."""
    inside = list(ordered_map(used_after, range(400), workers=1, chunk=4))
    assert_flat([used for used in inside[100:] if used])
    outside = []
    for number in range(6):
        list(ordered_map(abs, range(50), workers=2))
        if number >= 2:
            outside.append(Used.now())
    assert_flat(outside)
