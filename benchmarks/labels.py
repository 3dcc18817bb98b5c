"""Pseudo labels from stored maps: images a second by processes, and bytes on disk."""

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from benchmarks.measure import Row, compare, time_in_turn
from mmdrs.apis.pseudo_labels import CHUNK, make_pseudo_labels
from mmdrs.models.utils.cam import localization_maps
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.palette import voc_palette
from mmdrs.pseudo_labels.par import PAR
from mmdrs.pseudo_labels.rules import LabelRules

SIZE = (375, 500)  # height and width of most images of VOC
MAP_SIDE = 320
CLASSES = 20
IMAGES = 512
RELEASED_IMAGES = 32
CRF_IMAGES = 32
CRF_REPEATS = 3  # a CRF costs seconds an image
RELEASED = 'the released procedure: uint8 .npy of all 20 classes'
_KILOBYTE = 1000


def measure_labels(device: torch.device, repeats: int) -> list[Row]:
    """Images a second with one and two processes and as released, and the size of the map files.

    512 generated images of 500 x 375, with one or two classes.

    Args:
        device: Not used: labels are made by the processor.
        repeats: Timed runs of each side; at most 3 with a dense CRF.
    """
    with tempfile.TemporaryDirectory() as folder, _one_thread():
        root = Path(folder)
        images = write_images(root, IMAGES)
        rows = [_size_row(root, images), *_speed_rows(root, images, repeats)]
        if not importlib.util.find_spec('pydensecrf'):
            return rows
        rows.append(_refinement_row(images[0], min(repeats, CRF_REPEATS)))
        if available_cores() > 1:
            rows.append(_crf_row(root, images[:CRF_IMAGES], min(repeats, CRF_REPEATS)))
    return rows


def _size_row(root: Path, images: Sequence[dict]) -> Row:
    ours = _mean_kilobytes([root / 'maps' / f'{image["img_id"]}.npz' for image in images])
    other = _mean_kilobytes([root / 'npy' / f'{image["img_id"]}.npy' for image in images])
    what = 'localization maps on disk, mean of an image with 1.5 classes'
    note = 'generated maps, smooth as those of a network of output stride 8, and a little noise'
    return compare('labels', what, 'kB', [ours], [other], RELEASED, '<= 0.0833', note)


def _speed_rows(root: Path, images: Sequence[dict], repeats: int) -> list[Row]:
    rules = LabelRules(BackgroundCue())
    sides: dict[str, Callable[[], float]] = dict(
        released=partial(_released_rate, root, images[:RELEASED_IMAGES]),
        one=partial(_rate, root, images, rules, 0),
    )
    if available_cores() > 1:
        sides['two'] = partial(_rate, root, images, rules, 2)
    rates = rates_in_turn(sides, repeats)
    rows = [
        compare(
            part='labels',
            what='labels without CRF, one process',
            unit='images/s',
            ours=rates['one'],
            other=rates['released'],
            than=RELEASED,
            note="both sides in the benchmark's own process, one thread, start-up not counted; "
            'as released, the maps of all 20 classes are read, resized and compared',
        )
    ]
    if 'two' in rates:
        rows.append(_processes_row('labels without CRF', rates))
    return rows


def _crf_row(root: Path, images: Sequence[dict], repeats: int) -> Row:
    rules = LabelRules(BackgroundCue(), crf=DenseCRF())
    sides = dict(
        one=partial(_rate, root, images, rules, 0), two=partial(_rate, root, images, rules, 2)
    )
    return _processes_row('labels with a dense CRF', rates_in_turn(sides, repeats))


def _refinement_row(image: dict, repeats: int) -> Row:
    """All 21 channels of an image, as AFA and its successors refine them in their training."""
    pixels = read_image(image['img_path'])
    generator = torch.Generator().manual_seed(0)
    channels = smooth_noise(CLASSES + 1, SIZE, generator).numpy()
    probabilities = channels / channels.sum(axis=0)
    par, crf = PAR(downscale=2), DenseCRF()
    sides = dict(
        par=lambda: par.refine(pixels, channels), crf=lambda: crf.refine(pixels, probabilities)
    )
    seconds = time_in_turn(sides, repeats, torch.device('cpu'))
    return compare(
        part='labels',
        what='pixel-adaptive refinement at half size, 21 channels of 500 x 375',
        unit='s',
        ours=seconds['par'],
        other=seconds['crf'],
        than='the dense CRF (srgb 3)',
        target='<= 0.0667',
        note='one thread, 10 iterations of both; labels refine the classes of an image only',
    )


def _processes_row(what: str, rates: Mapping[str, Sequence[float]]) -> Row:
    return compare(
        part='labels',
        what=f'{what}, two processes',
        unit='images/s',
        ours=rates['two'],
        other=rates['one'],
        than='one process',
        target='>= 1.8',
        note='two workers of the pool, beside no worker at all: everything in one process and '
        'thread. The clock starts when both have handed over their first labels: their start-up, '
        'some seconds in a run of minutes, is not counted',
    )


def rates_in_turn(
    sides: Mapping[str, Callable[[], float]], repeats: int
) -> dict[str, list[float]]:
    """Images a second of each side, one after the other in every repeat.

    One run of each side goes before: the files are then in the system's memory.
    """
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for repeat in range(repeats + 1):
        for name, run in sides.items():
            rate = run()
            if repeat:
                rates[name].append(rate)
    return rates


def _rate(root: Path, images: Sequence[dict], rules: LabelRules, workers: int) -> float:
    with tempfile.TemporaryDirectory(dir=root) as out:
        labels = make_pseudo_labels(
            images, root / 'maps', out, rules, voc_palette(CLASSES + 1), CLASSES + 1, workers
        )
        return _steady_rate(labels, 2 if rules.crf else 2 * CHUNK)


def _released_rate(root: Path, images: Sequence[dict]) -> float:
    with tempfile.TemporaryDirectory(dir=root) as out:
        return _steady_rate(released_labels(root, images, Path(out)), 2 * CHUNK)


def _steady_rate(labels: Iterator, warm: int) -> float:
    """Labels a second after the first ``warm`` ones: what both workers begin with."""
    for _ in range(warm):
        next(labels)
    start = time.perf_counter()
    count = sum(1 for _ in labels)
    return count / (time.perf_counter() - start)


def released_labels(root: Path, images: Sequence[dict], out: Path) -> Iterator[np.ndarray]:
    """Labels as the released scripts make them, one image after the other; also written.

    The released scripts hand refined maps from the network to the labels; here they are read from
    files in the format in which the released scripts store maps, as ours are from ours.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: CLASSES + 1] = voc_palette(CLASSES + 1)
    for image in images:
        stored = np.load(root / 'npy' / f'{image["img_id"]}.npy')  # uint8 (20, 320, 320)
        saliency = np.asarray(Image.open(image['saliency_path']))
        maps = torch.from_numpy(stored)[None].float() / 255
        maps = F.interpolate(maps, saliency.shape, mode='bilinear', align_corners=True)[0]
        maps = (maps * torch.from_numpy(image['img_label'])[:, None, None]).numpy()
        maps[maps < 0.2] = 0
        salient = saliency > 50
        channels = np.concatenate([1 - salient[None].astype(np.float32), maps])  # (21, H, W)
        label = channels.argmax(axis=0).astype(np.uint8)
        ignored = ((channels > 0.9).sum(axis=0) > 2) | (salient & (label == 0))
        label[ignored] = 255
        picture = Image.fromarray(label)
        picture.putpalette(colours.ravel().tolist())
        picture.save(out / f'{image["img_id"]}.png')
        yield label


def write_images(root: Path, count: int, size: tuple[int, int] = SIZE) -> list[dict]:
    """Write generated images with saliency maps and localization maps in both formats.

    Below ``root``: ``img`` (JPEG), ``saliency`` (PNG), ``maps`` (ours), ``npy`` (as released).

    Args:
        root: Folder to write into.
        count: Number of images: two with one class, then two with two, and so on.
        size: Height and width.

    Returns:
        Data infos as of :class:`~mmdrs.datasets.ImageLabelDataset`.
    """
    for name in ('img', 'saliency', 'npy'):
        (root / name).mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    images = []
    for number in range(count):
        name = f'{number:04d}'
        labels = sorted(
            torch.randperm(CLASSES, generator=generator)[: 1 + number // 2 % 2].tolist()
        )
        # Class maps of output stride 8.
        scores = smooth_noise(len(labels), (MAP_SIDE // 8, MAP_SIDE // 8), generator)
        scores += 0.05 * torch.rand(scores.shape, generator=generator)
        maps = localization_maps(scores[None] - 0.3, (MAP_SIDE, MAP_SIDE))[0].numpy()
        stored = LocalizationMaps.from_floats(tuple(labels), maps, size)
        write_maps(root / 'maps' / f'{name}.npz', stored)
        every = np.zeros((CLASSES, MAP_SIDE, MAP_SIDE), np.uint8)
        every[labels] = stored.values
        np.save(root / 'npy' / f'{name}.npy', every)
        saliency = np.uint8(255 * smooth_noise(1, size, generator)[0].numpy())
        Image.fromarray(saliency).save(root / 'saliency' / f'{name}.png')
        colours = np.uint8(255 * smooth_noise(3, size, generator).numpy()).transpose(1, 2, 0)
        Image.fromarray(colours).save(root / 'img' / f'{name}.jpg')
        images.append(
            dict(
                img_id=name,
                img_path=str(root / 'img' / f'{name}.jpg'),
                saliency_path=str(root / 'saliency' / f'{name}.png'),
                img_label=np.isin(np.arange(CLASSES), labels).astype(np.float32),
            )
        )
    return images


def smooth_noise(count: int, size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """``count`` random fields of a few hills and valleys, (count, *size), 0..1."""
    coarse = torch.rand(1, count, 5, 6, generator=generator)
    return F.interpolate(coarse, size, mode='bicubic', align_corners=True)[0].clamp(0, 1)


def available_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, 'sched_getaffinity', None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _mean_kilobytes(paths: Sequence[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / len(paths) / _KILOBYTE


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch with one thread, as in each worker of the pool."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
