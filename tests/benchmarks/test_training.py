"""The benchmark of data loading: real configs on generated data."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.model import BaseModel
from PIL import Image

from benchmarks import training
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps

SIZE = (60, 80)
#: Batch and side of the images that the configs name.
BATCHES = dict(
    classifier=(5, 320), refinement=(5, 320), deeplabv2=(5, 321), deeplabv3plus=(16, 513)
)


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('voc')
    training.write_voc(folder, 4, SIZE)
    return folder


def test_generated_data(root: Path) -> None:
    """One and two classes in turn; list, maps and labels name the same ones."""
    lines = (root / training.LIST).read_text().splitlines()
    assert [len(line.split()) for line in lines] == [2, 3, 2, 3]
    for line in lines:
        name, *labels = line.split()
        with Image.open(root / 'JPEGImages' / f'{name}.jpg') as picture:
            assert picture.size == (80, 60)
        maps = read_maps(root / 'localization_map' / f'{name}.npz')
        assert maps.labels == tuple(map(int, labels))
        assert maps.original_size == SIZE and maps.values.shape[1:] == (320, 320)
        present = set(np.unique(read_label(root / 'pseudo_label' / f'{name}.png')))
        assert present <= {0, *(int(label) + 1 for label in labels)} and len(present) > 1


def test_images_are_of_voc_s_size_on_disk(tmp_path: Path) -> None:
    """About 100 kB: the time of decoding goes with it."""
    training.write_voc(tmp_path, 2)
    sizes = [path.stat().st_size for path in (tmp_path / 'JPEGImages').iterdir()]
    assert all(70_000 < size < 130_000 for size in sizes)


@pytest.mark.parametrize('name', training.CONFIGS)
def test_batches_are_those_of_the_config(name: str, root: Path) -> None:
    """More of them than the data set has images, of the config's batch size, crop and targets."""
    size, side = BATCHES[name]
    with training.as_in_a_run():
        cfg = training.training_config(training.CONFIGS[name], root)
        workers, persistent = cfg.train_dataloader.num_workers, True
        with training.endless_batches(cfg, 1) as stream:
            for _ in range(2):
                batch = next(stream)
                assert len(batch['inputs']) == len(batch['data_samples']) == size
    assert all(max(image.shape[1:]) <= side for image in batch['inputs'])
    # The loader is measured; the config stays what it is.
    assert cfg.train_dataloader.num_workers == workers
    assert cfg.train_dataloader.persistent_workers is persistent
    samples = batch['data_samples']
    if name == 'refinement':
        assert all(s.gt_localization_map.data.shape == (20, side, side) for s in samples)
    if name.startswith('deeplab'):
        assert all('gt_sem_seg' in sample for sample in samples)
    if name == 'classifier':
        assert all(1 <= sample.img_label.sum() <= 2 for sample in samples)


def test_a_step_trains(root: Path, monkeypatch) -> None:
    """The timed step is forward, backward and the optimizer, on the first images of a batch."""
    steps = []
    train_step = BaseModel.train_step

    def watched(self, data: dict, optim_wrapper) -> dict:
        before = [parameter.detach().clone() for parameter in self.parameters()]
        losses = train_step(self, data, optim_wrapper)
        changed = [(p != old).any() for p, old in zip(self.parameters(), before, strict=True)]
        steps.append((len(data['inputs']), all(changed)))
        return losses

    monkeypatch.setattr(BaseModel, 'train_step', watched)
    with training.as_in_a_run():
        cfg = training.training_config(training.CONFIGS['classifier'], root)
        tiny = dict(depths=(1, 1), channels=(4, 6), strides=(2,), extra_channels=(8,))
        cfg.model.backbone.backbone.update(tiny)
        cfg.model.decode_head.update(in_channels=8, channels=8)
        rates = training.consumption_rates(cfg, torch.device('cpu'), 2, 3)
    assert len(rates) == 3
    assert steps == [(2, True)] * 4  # the first is not timed


def test_rows(monkeypatch) -> None:
    """On a CPU: every loader with one worker, and the classifier's training, in bfloat16 too."""
    monkeypatch.setattr(training, 'write_voc', lambda root, count: None)
    monkeypatch.setattr(training, 'loading_rates', lambda cfg, workers, n: [10.0 * workers] * n)
    rates = dict(OptimWrapper=2, Bfloat16OptimWrapper=5)
    monkeypatch.setattr(
        training,
        'consumption_rates',
        lambda cfg, device, size, n: [rates[cfg.optim_wrapper.type]] * n,
    )
    rows = training.measure_training(torch.device('cpu'), 5)
    assert [row.what.split(':')[0] for row in rows] == [
        *('classifier', 'classifier'),
        *training.CONFIGS,
    ]
    waiting, mixed = rows[1:3]
    assert mixed.ours.median == 5 and mixed.than == 'float32' and mixed.ratio.median == 2.5
    assert waiting.target == '>= 1.0' and waiting.ratio.median == 20 and waiting.reached
    assert '4 workers as in the config' in waiting.note
    assert all(row.ours.median == 10 for row in rows if row not in (waiting, mixed))
