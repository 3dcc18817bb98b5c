"""How making maps grows with the number of images: speed, memory, disk, files."""

import os
import re
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import multiprocessing

from benchmarks.maps import MapMaker, voc_config, write_voc_images
from benchmarks.measure import Row, Spread, compare

COUNTS = (1000, 4000, 16000, 64000)
#: Different image files; the others are links to them.
FILES = 64
SIDE = 32


def measure_growth(
    device: torch.device, repeats: int, counts: Sequence[int] = COUNTS
) -> list[Row]:
    """Maps of more and more images of 32 x 32 with a network of two layers.

    With so small a network everything but the convolutions shows: list, loader, files, scores.
    Every number of images is a process of its own, with one thread, on the processor.

    Args:
        device: Not used.
        repeats: Not used: a run is long.
        counts: Numbers of images.
    """
    found = {}
    for count in counts:
        print(f'growth: {count} images ...', file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder, multiprocessing.Manager() as manager:
            shared = manager.dict()
            multiprocessing.spawn(_measure, (count, folder, shared))
            found[count] = dict(shared)
    first = found[counts[0]]
    rows = [
        compare(
            'growth',
            f'maps of {count:,} images',
            'images/s',
            [found[count]['rate']],
            [first['rate']],
            f'those of {counts[0]:,}',
            '>= 0.9',
            f'{found[count]["megabytes"]:.0f} MB of memory at most, '
            f'{found[count]["bytes"] / count:.0f} bytes on disk and '
            f'{found[count]["files"] / count:g} file an image',
        )
        for count in counts
    ]
    if len(counts) > 1:
        last = found[counts[-1]]
        growth = (last['megabytes'] - first['megabytes']) / (counts[-1] - counts[0]) * 1000
        rows.append(Row('growth', 'memory for each image of the list', 'kB', Spread.of([growth])))
    return rows


def _measure(rank: int, count: int, folder: str, shared: dict) -> None:
    """In a process of its own: make the maps of so many images."""
    torch.set_num_threads(1)
    root = Path(folder)
    names = write_voc_images(root, FILES, (SIDE, SIDE))
    lines = (root / 'train_cls.txt').read_text().splitlines()
    with (root / 'train_cls.txt').open('w') as file:
        for index in range(count):
            original, *labels = lines[index % FILES].split()
            name = names[index] if index < FILES else f'{index:08d}'
            if index >= FILES:
                os.link(root / f'JPEGImages/{original}.jpg', root / f'JPEGImages/{name}.jpg')
            file.write(f'{name} {" ".join(labels)}\n')
    cfg = voc_config(root, 32, {})
    cfg.model.backbone.backbone.update(
        depths=(1, 1), channels=(8, 8), strides=(2,), extra_channels=()
    )
    cfg.model.decode_head.in_channels = 8
    cfg.model.data_preprocessor.size = (SIDE, SIDE)
    cfg.test_cfg.update(scales=(SIDE,), size=(SIDE, SIDE))
    cfg.test_dataloader.dataset.pipeline[1].scale = (SIDE, SIDE)
    cfg.test_dataloader.update(num_workers=1)
    maker = MapMaker(cfg, root / 'maps')
    shared['rate'] = maker.rate(count)
    maker.close()
    shared['megabytes'] = _peak_megabytes()
    sizes = [entry.stat().st_size for entry in os.scandir(root / 'maps')]
    shared['files'], shared['bytes'] = len(sizes), sum(sizes)


def _peak_megabytes() -> float:
    """The greatest memory of this process so far, its worker not included.

    Not ``ru_maxrss`` where there is better: on Linux it begins with that of the parent.
    """
    status = Path('/proc/self/status')
    if status.is_file():
        return int(re.search(r'VmHWM:\s+(\d+) kB', status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
