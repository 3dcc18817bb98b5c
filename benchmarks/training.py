"""Data loading of the VOC configs beside what their training consumes, in images a second."""

import copy
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmseg.registry import MODELS
from PIL import Image
from torch.nn import functional as F

from benchmarks.labels import CLASSES, MAP_SIDE, SIZE, available_cores, smooth_noise
from benchmarks.measure import Row, Spread, compare, config_folder, time_in_turn
from mmdrs.apis.quiet import quiet_log
from mmdrs.models.utils.cam import localization_maps
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.palette import voc_palette

#: The configs that are measured, below the folder of the configs.
CONFIGS = dict(
    classifier='drs/drs-d055_vgg16_2xb5-15e_voc12-320x320.py',
    refinement='refine/refine_vgg16_2xb5-30e_voc12-320x320.py',
    deeplabv2='deeplab/deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321.py',
    deeplabv3plus='deeplab/deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513.py',
)
IMAGES = 32
TIMED_IMAGES = 32  # of one run of a loader, about
CPU_BATCH = 2
CPU_REPEATS = 2  # a training step of seconds
LIST = 'ImageSets/Segmentation/train_aug_cls_xml.txt'


def measure_training(device: torch.device, repeats: int) -> list[Row]:
    """How fast the data loaders of the VOC configs are, and whether training has to wait for them.

    Generated images of 500 x 375. On a GPU the training steps of all configs are timed at their
    own batch size, on a CPU that of the classifier alone, at batch 2 and at most twice, also in
    bfloat16.
    """
    rows = []
    with tempfile.TemporaryDirectory() as folder, as_in_a_run():
        root = Path(folder)
        write_voc(root, IMAGES)
        for name, path in CONFIGS.items():
            cfg = training_config(path, root)
            rows.append(_worker_row(name, cfg, repeats))
            if device.type != 'cpu':
                rows.append(_waiting_row(name, cfg, device, repeats))
            elif name == 'classifier':
                rows.append(_waiting_row(name, cfg, device, min(repeats, CPU_REPEATS)))
                rows.append(_precision_row(name, cfg, device, min(repeats, CPU_REPEATS)))
    return rows


def _worker_row(name: str, cfg: Config, repeats: int) -> Row:
    rates = Spread.of(loading_rates(cfg, 1, repeats))
    size = cfg.train_dataloader.batch_size
    what = f'{name}: loading with one worker process, batches of {size}'
    return Row('train', what, 'images/s', rates)


def _waiting_row(name: str, cfg: Config, device: torch.device, repeats: int) -> Row:
    workers = cfg.train_dataloader.num_workers
    rates = loading_rates(cfg, workers, repeats)
    size = cfg.train_dataloader.batch_size if device.type != 'cpu' else CPU_BATCH
    note = (
        f'{workers} workers as in the config, on {available_cores()} cores; loader and training '
        'are timed apart, so on a CPU, where they share the cores, both are slower together'
    )
    return compare(
        part='train',
        what=f'{name}: loading with {workers} worker processes',
        unit='images/s',
        ours=rates,
        other=consumption_rates(cfg, device, size, repeats),
        than=f'training steps, batch {size}, float32',
        target='>= 1.0',
        note=note,
    )


def _precision_row(name: str, cfg: Config, device: torch.device, repeats: int) -> Row:
    mixed = copy.deepcopy(cfg)
    mixed.optim_wrapper.type = 'Bfloat16OptimWrapper'
    return compare(
        part='train',
        what=f'{name}: training steps in bfloat16, batch {CPU_BATCH}',
        unit='images/s',
        ours=consumption_rates(mixed, device, CPU_BATCH, repeats),
        other=consumption_rates(cfg, device, CPU_BATCH, repeats),
        than='float32',
        note='depends on the processor: fast with AVX-512 BF16 or AMX, slow without',
    )


def loading_rates(cfg: Config, workers: int, repeats: int) -> list[float]:
    """Images a second of a config's training data loader alone.

    The loader runs on without an end, as in training by iterations; one stretch that is not timed
    goes before, so the start-up of processes does not count.

    Args:
        cfg: As of :func:`training_config`.
        workers: Worker processes.
        repeats: Stretches of about 32 images each, more for many workers.
    """
    size = cfg.train_dataloader.batch_size
    # Enough that the batches which lie ready at the start weigh little.
    batches = max(-(-TIMED_IMAGES // size), 2 * workers)
    with endless_batches(cfg, workers) as stream:
        seconds = time_in_turn(
            dict(load=lambda: [next(stream) for _ in range(batches)]),
            repeats,
            torch.device('cpu'),
        )['load']
    return [batches * size / time for time in seconds]


def consumption_rates(cfg: Config, device: torch.device, size: int, repeats: int) -> list[float]:
    """Images a second of a config's training steps on batches that lie ready.

    Forward, backward and the optimizer, with random weights.

    Args:
        cfg: As of :func:`training_config`.
        device: Where to train.
        size: Images of a batch; at most the config's.
        repeats: Timed steps.
    """
    with endless_batches(cfg, 0) as stream:
        batch = {key: value[:size] for key, value in next(stream).items()}
    model = MODELS.build(cfg.model).to(device)  # files of weights are not read here
    model.train()
    options = dict(cfg.optim_wrapper)
    options.pop('accumulative_counts', None)  # the runner's affair
    optimizer = build_optim_wrapper(model, options)

    def step() -> None:
        model.train_step(copy.deepcopy(batch), optimizer)  # batching pads the masks in place

    seconds = time_in_turn(dict(step=step), repeats, device)['step']
    return [size / time for time in seconds]


@contextmanager
def as_in_a_run() -> Iterator[None]:
    """What a runner sets up: names of MMSegmentation, one thread of OpenCV; but no log lines."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    try:
        with DefaultScope.overwrite_default_scope('mmseg'), quiet_log(logging.ERROR):
            yield
    finally:
        cv2.setNumThreads(threads)


@contextmanager
def endless_batches(cfg: Config, workers: int) -> Iterator[Iterator[dict[str, Any]]]:
    """The batches of a config's training data loader, without an end, as the config makes them.

    Args:
        cfg: As of :func:`training_config`.
        workers: Worker processes, in place of the config's; they end with the block.
    """
    config = cfg.train_dataloader.to_dict()
    config.update(
        num_workers=workers,
        persistent_workers=False,
        sampler=dict(type='InfiniteSampler', shuffle=True),
    )
    stream = iter(Runner.build_dataloader(config, seed=0))
    try:
        yield stream
    finally:
        del stream  # the last reference: the workers are told to stop


def training_config(path: str, root: Path) -> Config:
    """A VOC config on the generated data.

    Args:
        path: Config file below the folder of the configs.
        root: What :func:`write_voc` has written.
    """
    cfg = Config.fromfile(config_folder() / path)
    cfg.train_dataloader.dataset.update(data_root=str(root), ann_file=LIST)
    return cfg


def write_voc(root: Path, count: int, size: tuple[int, int] = SIZE) -> None:
    """Write generated images, localization maps and pseudo labels in the layout of VOC 2012.

    JPEGs of about 100 kB, as VOC's are. Below ``root``: ``JPEGImages``, ``localization_map``,
    ``pseudo_label``, and the list with image labels :data:`LIST`.

    Args:
        root: Folder to write into.
        count: Number of images.
        size: Height and width.
    """
    generator = torch.Generator().manual_seed(0)
    lines = []
    (root / 'JPEGImages').mkdir(parents=True)
    for number in range(count):
        name = f'2007_{number:06d}'
        labels = sorted(torch.randperm(CLASSES, generator=generator)[: 1 + number % 2].tolist())
        lines.append(f'{name} {" ".join(map(str, labels))}\n')
        Image.fromarray(_picture(size, generator)).save(
            root / 'JPEGImages' / f'{name}.jpg', quality=90
        )
        scores = smooth_noise(len(labels), (MAP_SIDE // 8, MAP_SIDE // 8), generator)
        maps = localization_maps(scores[None] - 0.3, (MAP_SIDE, MAP_SIDE))[0]
        stored = LocalizationMaps.from_floats(tuple(labels), maps.numpy(), size)
        write_maps(root / 'localization_map' / f'{name}.npz', stored)
        peak = F.interpolate(maps[None], size, mode='bilinear')[0].max(dim=0)
        label = np.where(peak.values > 0.3, np.asarray(labels)[peak.indices] + 1, 0)
        write_label(root / 'pseudo_label' / f'{name}.png', label, voc_palette(CLASSES + 1))
    (root / LIST).parent.mkdir(parents=True)
    (root / LIST).write_text(''.join(lines))


def _picture(size: tuple[int, int], generator: torch.Generator) -> np.ndarray:
    """A picture (H, W, 3) of large, middle and small structures, uint8."""
    coarse = smooth_noise(3, size, generator)
    middle = torch.rand(1, 3, size[0] // 4, size[1] // 4, generator=generator)
    middle = F.interpolate(middle, size, mode='bicubic')[0]
    fine = torch.rand(coarse.shape, generator=generator)
    picture = (0.6 * coarse + 0.4 * middle + 0.2 * fine).clamp(0, 1)
    return np.uint8(255 * picture.numpy()).transpose(1, 2, 0)
