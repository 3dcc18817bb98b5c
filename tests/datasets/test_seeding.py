"""Random numbers of augmentations, and images that cannot be loaded."""

import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmdrs import apis
from mmdrs.datasets import SeededDataset, SeededSampler
from mmdrs.datasets import seeding as module
from mmdrs.datasets.seeding import SeededIndex, seeded
from mmdrs.errors import InputError
from tests.pipeline_runs import ROOT

TINY = str(ROOT / 'tests' / 'data' / 'configs' / 'tiny_fcn.py')


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_the_generators_follow_the_key_and_go_on_after_the_block() -> None:
    with seeded(9):
        wanted = drawn(), drawn()
    with seeded(9):
        first = drawn()
        with seeded(1, 2, 3):
            inner = drawn()
        assert (first, drawn()) == wanted
    with seeded(1, 2, 3):
        assert drawn() == inner
    with seeded(1, 2, 4):
        assert all(a != b for a, b in zip(drawn(), inner, strict=True))


def test_an_index_keeps_its_key_on_the_way_to_a_worker() -> None:
    index = pickle.loads(pickle.dumps(SeededIndex(7, (1, 2, 3))))
    assert index == 7 and index.key == (1, 2, 3) and [*range(9)][index] == 7


def keys(
    monkeypatch: pytest.MonkeyPatch, kind: str, rank: int = 0, world: int = 1, skip: int = 0
) -> list[tuple[int, tuple[int, ...]]]:
    """The first ten (index, key) of a process."""
    for place in ('mmengine.dataset.sampler', module.__name__):
        monkeypatch.setattr(f'{place}.get_dist_info', lambda: (rank, world))
    sampler = SeededSampler(dict(type=kind, shuffle=True), dataset=range(20), seed=4)
    if skip:
        sampler.skip(skip)
    sampler.set_epoch(2)
    return [(int(index), index.key) for index, _ in zip(sampler, range(10), strict=False)]


@pytest.mark.parametrize('kind', ['DefaultSampler', 'InfiniteSampler'])
def test_several_processes_share_the_order_and_the_keys_of_one(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = keys(monkeypatch, kind)
    assert [key for _, key in alone] == [(4, 2, place) for place in range(10)]
    for world in (2, 3):
        parts = [keys(monkeypatch, kind, rank, world) for rank in range(world)]
        assert [parts[i % world][i // world] for i in range(10)] == alone


def test_a_skipped_start(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(module.DATA_SAMPLERS.get('InfiniteSampler'), 'skip'):
        pytest.skip('this MMEngine loads what it skips')
    assert (
        keys(monkeypatch, 'InfiniteSampler', skip=3)[:7]
        == keys(monkeypatch, 'InfiniteSampler')[3:]
    )


@pytest.fixture
def damaged(tiny_voc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the tiny data set with a picture that has a good header only."""
    root = tmp_path / 'data'
    shutil.copytree(tiny_voc, root)
    monkeypatch.setenv('TINY_VOC', str(root))
    path = root / 'JPEGImages' / 'img_3.jpg'
    path.write_bytes(path.read_bytes()[:150])
    return path


@pytest.mark.parametrize(
    ('workers', 'interval'),
    [(0, 100), pytest.param(2, 100, marks=pytest.mark.processes), (0, 1)],
)
def test_an_image_that_cannot_be_loaded_is_named(
    damaged: Path, tmp_path: Path, workers: int, interval: int
) -> None:
    """Within an epoch (a batch has two of six images), and in a validation."""
    options: dict[str, Any] = {'train_dataloader.num_workers': workers, 'train_cfg.max_iters': 9}
    options['train_cfg.val_interval'] = interval
    cfg = apis.load_config(TINY, options, str(tmp_path / 'work'))
    with pytest.raises(InputError) as error:
        apis.train_model(cfg)
    message = str(error.value)
    assert message.startswith(f'{damaged} is not a readable image')
    assert 'take its image out of the list' in message
    assert 'Traceback' not in message and '\n' not in message


def test_errors_of_input_stay_as_they_are(tiny_voc: Path) -> None:
    dataset = SeededDataset(
        dict(
            type='BaseSegDataset',
            data_root=str(tiny_voc),
            metainfo=dict(classes=('a', 'b')),
            data_prefix=dict(img_path='JPEGImages'),
            pipeline=[],
        )
    )

    def refuse(info: dict) -> None:
        raise InputError('as it is')

    dataset.dataset.pipeline.pipeline.transforms.append(refuse)
    with pytest.raises(InputError, match='^as it is$'):
        dataset[0]
