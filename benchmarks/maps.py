"""Localization maps: images a second of the real test loop, beside the released procedure."""

import os
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from PIL import Image
from torch import Tensor, multiprocessing
from torch.nn import functional as F

from benchmarks.layer import DELTA, composed_vgg16
from benchmarks.measure import Row, bf16_in_hardware, compare, config_folder, synchronize
from mmdrs.apis import apply_output
from mmdrs.apis.runner import build_runner, release_loaders
from mmdrs.models.utils.cam import to_levels

SIDE = 320
SCALES = (256, 320, 384)
CLASSES = 20
RELEASED = 'the released procedure'
#: Images of a run and of a batch.
IMAGES = dict(cpu=8, cuda=512)
BATCH = dict(cpu=1, cuda=16)
#: Images of a run by one and two processes, which measure in processes of their own.
SHARED_IMAGES = 12
_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def measure_maps(device: torch.device, repeats: int) -> list[Row]:
    """Images a second of VGG-16's maps at three scales, on generated images of 500 x 375.

    Our side is MMEngine's runner with ``LocalizationMapLoop``, from decoding to map files on disk,
    once its workers have started; the other side is :class:`ReleasedMaps`.
    """
    count = IMAGES[device.type]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        ids = write_voc_images(root, count)
        sides = dict(released=ReleasedMaps(root, ids, device).rate)
        variants = dict(float32=dict(precision='float32'))
        if bf16_in_hardware(device):
            variants['bfloat16'] = dict(precision='bfloat16')
        makers = {
            name: MapMaker(voc_config(root, BATCH[device.type], options), root / name)
            for name, options in variants.items()
        }
        sides.update({name: maker.rate for name, maker in makers.items()})
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for repeat in range(repeats + 1):
            for name, run in sides.items():
                rate = run(count)
                if repeat:
                    rates[name].append(rate)
        for maker in makers.values():
            maker.close()
        rows = [_row(name, rates, device) for name in variants]
        if device.type == 'cpu' and (os.cpu_count() or 1) > 1:
            rows.append(_processes_row(root, min(repeats, 3)))
    return rows


def _row(name: str, rates: dict[str, list[float]], device: torch.device) -> Row:
    targets = dict(float32='>= 1.15', bfloat16='>= 2.2') if device.type == 'cpu' else {}
    target = targets.get(name, '>= 6')
    what = f'VGG-16 with DRS, {len(SCALES)} scales, {name}'
    return compare('maps', what, 'images/s', rates[name], rates['released'], RELEASED, target)


def write_voc_images(root: Path, count: int, size: tuple[int, int] = (500, 375)) -> list[str]:
    """Smooth noise as JPEGs of VOC's commonest size, and a list with one or two classes each."""
    random = np.random.default_rng(0)
    folder = root / 'JPEGImages'
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for index in range(count):
        name = f'{index:08d}'
        coarse = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        image.save(folder / f'{name}.jpg')
        labels = random.choice(CLASSES, 1 + index % 2, replace=False)
        lines.append(f'{name} {" ".join(str(label) for label in sorted(labels))}')
    (root / 'train_cls.txt').write_text('\n'.join(lines) + '\n')
    return [line.split()[0] for line in lines]


class ReleasedMaps:
    """The released procedure, restated: one image after the other, all classes, ``.npy``.

    Decode, resize to a square, normalise; for each scale resize that tensor, run the network,
    rectify, resize, normalise and gate all 20 maps; take the maximum; write 20 maps as uint8.

    Args:
        root: Folder with ``JPEGImages``.
        ids: Images.
        device: Device of the network.
    """

    def __init__(self, root: Path, ids: list[str], device: torch.device) -> None:
        self.root = root
        self.ids = ids
        self.device = device
        self.network = composed_vgg16().to(device).eval()
        self.head = torch.nn.Conv2d(512, CLASSES, 1).to(device)
        self.out = root / 'released'
        self.out.mkdir(exist_ok=True)

    def rate(self, count: int) -> float:
        """Images a second over the first ``count`` images."""
        start = time.perf_counter()
        for name in self.ids[:count]:
            np.save(self.out / f'{name}.npy', self.maps(name))
        return count / (time.perf_counter() - start)

    @torch.no_grad()
    def maps(self, name: str) -> np.ndarray:
        """The maps of one image, uint8 (20, 320, 320)."""
        image = Image.open(self.root / 'JPEGImages' / f'{name}.jpg').convert('RGB')
        pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)
        pixels = (pixels - np.array(_MEAN, np.float32)) / np.array(_STD, np.float32)
        inputs = torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous().to(self.device)
        found: list[Tensor] = []
        for side in SCALES:
            scaled = F.interpolate(inputs, (side, side), mode='bilinear')
            scores = F.relu(self.head(self.network(scaled)[0]))
            scores = F.interpolate(scores, (SIDE, SIDE), mode='bilinear', align_corners=True)
            found.append(scores / (scores.amax(dim=(2, 3), keepdim=True) + 1e-5))
        merged = torch.stack(found).amax(dim=0)[0]
        return to_levels(merged.cpu().numpy())


def voc_config(root: Path, batch: int, loop: dict[str, Any]) -> Config:
    """The config of the VOC classifier with DRS, its weights random and its data generated.

    Args:
        root: Folder with ``JPEGImages`` and ``train_cls.txt``.
        batch: Images of a batch.
        loop: Options of ``LocalizationMapLoop``.
    """
    cfg = Config.fromfile(config_folder() / 'drs' / 'drs-d055_vgg16_2xb5-15e_voc12-320x320.py')
    cfg.model.backbone.backbone.init_cfg = None
    cfg.model.backbone.drs.delta = DELTA
    dataset = cfg.test_dataloader.dataset
    dataset.update(data_root=str(root), ann_file='train_cls.txt')
    dataset.data_prefix = ConfigDict(img_path='JPEGImages')
    cfg.test_dataloader.batch_size = batch
    cfg.test_dataloader.num_workers = min(cfg.test_dataloader.num_workers, os.cpu_count() or 1)
    cfg.test_cfg.update(loop)
    return cfg


class MapMaker:
    """The runner of a config, run over the same images again and again.

    Args:
        cfg: The config.
        out: Folder of the map files.
    """

    def __init__(self, cfg: Config, out: Path) -> None:
        cfg.work_dir = str(out.parent / f'{out.name}_work')
        cfg.log_level = 'ERROR'
        apply_output(cfg, str(out))
        self.out = out
        self.runner: Runner = build_runner(cfg)

    def rate(self, count: int) -> float:
        """Images a second; files of an earlier run are removed first.

        The workers of the first run serve the later ones, so only that one waits for them.
        """
        for path in self.out.glob('*.npz'):
            path.unlink(missing_ok=True)
        start = time.perf_counter()
        self.runner.test()
        synchronize(next(self.runner.model.parameters()).device)
        return count / (time.perf_counter() - start)

    def close(self) -> None:
        """Let go of the workers."""
        release_loaders(self.runner)


def _processes_row(root: Path, repeats: int) -> Row:
    """Two processes beside one, each with one thread, as ``tools/dist_test.sh`` runs them."""
    ids = (root / 'train_cls.txt').read_text().splitlines()
    lines = (ids * SHARED_IMAGES)[:SHARED_IMAGES]
    if len(set(lines)) < SHARED_IMAGES:
        write_voc_images(root, SHARED_IMAGES)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(repeats):
        for world in rates:
            with socket.socket() as probe:
                probe.bind(('127.0.0.1', 0))
                port = probe.getsockname()[1]
            with multiprocessing.Manager() as manager:
                found = manager.dict()
                multiprocessing.spawn(_share, (world, port, str(root), found), nprocs=world)
                rates[world].append(min(found.values()))
    return compare(
        'maps',
        'the same, two processes of one thread',
        'images/s',
        rates[2],
        rates[1],
        'one process of one thread',
        '>= 1.8',
    )


def _share(rank: int, world: int, port: int, root: str, found: dict[int, float]) -> None:
    """One of several processes that make the maps together."""
    torch.set_num_threads(1)
    os.environ.update(
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(world),
        TORCHELASTIC_RUN_ID='benchmark',
    )
    cfg = voc_config(Path(root), 1, {})
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.launcher = 'pytorch'
    maker = MapMaker(cfg, Path(root) / f'shared_{world}')
    torch.distributed.barrier()
    found[rank] = maker.rate(SHARED_IMAGES)
