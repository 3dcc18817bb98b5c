"""Fixtures shared by the tests."""

import gc
import importlib
import multiprocessing
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from PIL import Image
from torch.nn import functional as F

from tests import pipeline_runs
from tests.parity.golden import GoldenFolder

# Windows and macOS start processes with `spawn`: these import everything anew, and what they are
# given travels as a pickle. `make test-spawn` has pools and data loaders do so on any system.
if os.environ.get('MMDRS_START_METHOD'):
    multiprocessing.set_start_method(os.environ['MMDRS_START_METHOD'], force=True)

TINY_CLASSES = ('background', 'disc', 'bar', 'cross')
TINY_SIZE = (40, 48)  # height, width


@pytest.fixture(scope='session', autouse=True)
def _one_thread() -> None:
    """Tiny tensors run faster in one thread, and two test runs do not get in each other's way."""
    torch.set_num_threads(1)


@pytest.fixture(scope='session', autouse=True)
def _imports_are_no_garbage() -> None:
    """Spare garbage collections what the imports have made: every data set starts one."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def mmseg_scope() -> Iterator[None]:
    """Resolve bare names as a Runner with ``default_scope='mmseg'`` does."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture(scope='session')
def golden() -> GoldenFolder:
    """The values that the authors' released code computed."""
    return GoldenFolder(Path(__file__).parent / 'parity' / 'golden_values')


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], str]]:
    """Gives a file a URL, of a server in this process."""
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch_home'))  # of downloads
    handler = partial(SimpleHTTPRequestHandler, directory='/')
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield lambda path: f'http://127.0.0.1:{server.server_port}{path}'
        server.shutdown()


@pytest.fixture(scope='session')
def grad_cam() -> ModuleType:
    """pytorch-grad-cam; torchvision, where it is not there, has a stand-in during the import."""
    if find_spec('pytorch_grad_cam') is None:
        pytest.skip('pytorch-grad-cam is not installed')
    with pytest.MonkeyPatch.context() as patch:
        if find_spec('torchvision') is None:
            for module in _pretended_torchvision():
                patch.setitem(sys.modules, module.__name__, module)
        return importlib.import_module('pytorch_grad_cam')


def _pretended_torchvision() -> list[ModuleType]:
    """What grad-cam imports of torchvision: it uses `resize` in SESS, the rest in its examples."""
    package, transforms, functional = (
        ModuleType(f'torchvision{part}') for part in ('', '.transforms', '.transforms.functional')
    )
    transforms.Compose = transforms.Normalize = transforms.ToTensor = None
    functional.resize = lambda image, side: F.interpolate(image, (side, side), mode='bilinear')
    return [package, transforms, functional]


@pytest.fixture
def files(tmp_path: Path) -> Callable[[Mapping[str, str | bytes]], Path]:
    """Write files by their path; an image may be any bytes, since only its name counts."""

    def write(content: Mapping[str, str | bytes]) -> Path:
        for name, data in content.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return tmp_path

    return write


@pytest.fixture(scope='session')
def tiny_voc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of six images in VOC layout, three foreground classes (:data:`TINY_CLASSES`).

    Image ``n`` (``img_0`` to ``img_5``) shows class ``n % 3 + 1`` in a rectangle on the left and,
    if ``n`` is odd, class ``(n + 1) % 3 + 1`` in one on the right. ``JPEGImages`` holds RGB
    images, ``SegmentationClass`` masks (0 background, 255 in the top row), ``saliency_map`` 255
    on the rectangles, ``ImageSets/Segmentation`` ``train.txt`` (ids), and ``train_cls.txt``
    and ``val_cls.txt`` (ids with 0-based foreground classes, as in ``img_1 1 2``).
    """
    root = tmp_path_factory.mktemp('tiny_voc')
    for folder in ('JPEGImages', 'SegmentationClass', 'saliency_map', 'ImageSets/Segmentation'):
        (root / folder).mkdir(parents=True)
    lines = []
    for number in range(6):
        classes = [number % 3 + 1] + ([(number + 1) % 3 + 1] if number % 2 else [])
        _write_tiny_image(root, f'img_{number}', classes, np.random.default_rng(number))
        labels = ' '.join(str(index - 1) for index in sorted(classes))
        lines.append(f'img_{number} {labels}')
    lists = root / 'ImageSets' / 'Segmentation'
    for name in ('train_cls', 'val_cls'):
        (lists / f'{name}.txt').write_text('\n'.join(lines) + '\n')
    (lists / 'train.txt').write_text(''.join(f'{line.split()[0]}\n' for line in lines))
    return root


@pytest.fixture(scope='session')
def run_pipeline() -> Callable[..., None]:
    """Run ``tools/pipeline.py`` in this process on a data root, into a work directory."""
    tool = pipeline_runs.load_tool('pipeline')

    def run(data_root: Path, work_dir: Path, *arguments: str, options: tuple = ()) -> None:
        tool.main(
            [
                str(pipeline_runs.SETTINGS),
                '--work-dir',
                str(work_dir),
                *arguments,
                '--cfg-options',
                *pipeline_runs.tiny_options(data_root),
                *options,
            ]
        )

    return run


@pytest.fixture(scope='session')
def finished(tmp_path_factory, tiny_voc, run_pipeline) -> Path:
    """Work directory of a pipeline that has run to its end. Tests must not change it."""
    work_dir = tmp_path_factory.mktemp('finished')
    run_pipeline(tiny_voc, work_dir)
    return work_dir


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished work directory, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / 'work'))


def _write_tiny_image(root: Path, name: str, classes: list[int], rng: np.random.Generator) -> None:
    """Write image, mask and saliency map of one image."""
    mask = np.zeros(TINY_SIZE, np.uint8)
    image = rng.integers(60, 120, (*TINY_SIZE, 3)).astype(np.uint8)
    for place, index in enumerate(classes):
        box = slice(8, 32), slice(4 + 24 * place, 20 + 24 * place)
        mask[box] = index
        image[box] = 40
        image[(*box, index - 1)] = 230
    saliency = Image.fromarray(np.where(mask > 0, 255, 0).astype(np.uint8))
    mask[0] = 255
    Image.fromarray(image).save(root / 'JPEGImages' / f'{name}.jpg', quality=95)
    Image.fromarray(mask).save(root / 'SegmentationClass' / f'{name}.png')
    saliency.save(root / 'saliency_map' / f'{name}.png')
