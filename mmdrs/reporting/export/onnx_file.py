"""A segmentation network as an ONNX file, compared with PyTorch before it gets its name."""

import importlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor, nn
from torch.nn import functional as F

from mmdrs.apis import Segmentor
from mmdrs.apis.prediction.config import whole_image_steps
from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.reading import reason_of
from mmdrs.version import __version__

OPSET = 18
#: Batch, height and width of the images that the comparison is made with; the first is traced.
SHAPES = ((2, 128, 160), (1, 128, 160), (1, 160, 96), (3, 97, 131))
#: Largest difference of the scores, relative to the largest of them.
TOLERANCE = 1e-3
_NAMES = ('batch', 'height', 'width')


class ScoringNetwork(nn.Module):
    """From images to scores of their size: normalisation, network, and resizing.

    Args:
        network: The segmentation network.

    Raises:
        InputError: If its preprocessing is another than mean, std and the order of channels.

    The scores of a network with one channel, of two classes, are those of its class and of its
    threshold.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: EncoderDecoder) -> None:
        super().__init__()
        preprocessor: Any = network.data_preprocessor
        if getattr(preprocessor, 'mean', None) is None:
            raise InputError('the data_preprocessor of the config gives no mean and std')
        if getattr(preprocessor, 'test_cfg', None):
            raise InputError(
                'the data_preprocessor of the config pads images (test_cfg); an ONNX file cannot '
                'say that: leave it out'
            )
        self.threshold = None
        if network.out_channels == 1:
            self.threshold = float(torch.logit(torch.tensor(network.decode_head.threshold)))
        # The config's are of the order of channels that the network sees.
        self.flipped = not preprocessor._channel_conversion
        self.network = network
        self.register_buffer('mean', preprocessor.mean.detach().clone().view(1, 3, 1, 1))
        self.register_buffer('std', preprocessor.std.detach().clone().view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Scores (N, C, H, W) of images, RGB float32 (N, 3, H, W), 0..255."""
        pixels = image.flip(1) if self.flipped else image
        scores = self.network((pixels - self.mean) / self.std, mode='tensor')
        if self.threshold is not None:
            scores = torch.cat([torch.full_like(scores, self.threshold), scores], dim=1)
        aligned = self.network.align_corners
        return F.interpolate(scores, image.shape[2:], mode='bilinear', align_corners=aligned)


def export_onnx(model: Segmentor, path: Path) -> float:
    """Write a network as ONNX with any batch, height and width.

    Input ``image``: RGB float32 (N, 3, H, W), 0..255, resized as the metadata ``resize`` say;
    output ``scores``: float32 (N, classes, H, W). The metadata are JSON: ``classes``,
    ``palette``, ``resize`` (``scale``: longest and shortest side, or width and height without
    ``keep_ratio``; null for images at their own size).

    Returns:
        The largest difference from PyTorch, relative to the largest score.

    Raises:
        InputError: If the extra ``onnx`` is not installed, the network cannot be exported, or the
            file computes something else than PyTorch; no file is written then.
    """
    onnx, runtime = _installed('onnx'), _installed('onnxruntime')
    if getattr(model.network, 'align_corners', None) not in (True, False):
        raise InputError(f'a {type(model.network).__name__} cannot be exported')
    metadata = _metadata(model)
    network = cast(EncoderDecoder, revert_sync_batchnorm(model.network).cpu())
    scoring = ScoringNetwork(network).eval()
    with written_whole(path) as temporary:
        with _refused('the network cannot be exported as ONNX'):
            _trace(scoring, temporary)
        written = onnx.load(str(temporary))
        onnx.helper.set_model_props(written, metadata)
        onnx.save(written, str(temporary))
        with _refused('ONNX Runtime does not run what was exported'):
            session = runtime.InferenceSession(str(temporary), providers=['CPUExecutionProvider'])
            differences = [_difference(scoring, session, shape) for shape in SHAPES]
        if not max(differences) <= TOLERANCE:
            raise InputError(
                'the exported network computes other scores than PyTorch (difference '
                f'{max(differences):.2g} of the largest score at one of the sizes {SHAPES}): no '
                'file is written'
            )
    return max(differences)


def _trace(scoring: ScoringNetwork, path: Path) -> None:
    dynamic = {0: _NAMES[0], 2: _NAMES[1], 3: _NAMES[2]}
    with warnings.catch_warnings():
        # Python numbers are taken from shapes, and this exporter is the older one; the
        # comparison shows whether it matters.
        warnings.simplefilter('ignore')
        torch.onnx.export(
            scoring,
            (_images(SHAPES[0]),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=['image'],
            output_names=['scores'],
            dynamic_axes=dict(image=dynamic, scores=dynamic),
        )


def _difference(scoring: ScoringNetwork, session: Any, shape: tuple[int, int, int]) -> float:
    images = _images(shape)
    with torch.no_grad():
        expected = scoring(images).numpy()
    (found,) = session.run(['scores'], dict(image=images.numpy()))
    if found.shape != expected.shape:
        return float('inf')
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-6))


def _images(shape: tuple[int, int, int]) -> Tensor:
    batch, height, width = shape
    noise = torch.randint(256, (batch, 3, height, width), generator=torch.manual_seed(0))
    return noise.float()


def _metadata(model: Segmentor) -> dict[str, str]:
    values = dict(
        classes=model.classes,
        palette=model.palette,
        resize=_resize(model.cfg),
        input='RGB, 0..255; mean and std are in the graph',
        mmdrs=__version__,
    )
    return {key: json.dumps(value) for key, value in values.items()}


def _resize(cfg: Config) -> dict[str, Any] | None:
    """What the test pipeline does with the size of an image.

    Raises:
        InputError: If it does something else with an image than resize it.
    """
    steps = whole_image_steps(cfg)[1:-1]
    if not steps:
        return None
    kinds = [str(step['type']) for step in steps]
    if kinds != ['Resize'] or not steps[0].get('scale'):
        raise InputError(
            f"the test pipeline of '{cfg.filename}' changes images by {', '.join(kinds)}; an ONNX "
            'file can say a Resize with a scale only'
        )
    scale = steps[0]['scale']
    sides = [scale, scale] if isinstance(scale, int) else list(scale)
    keep = bool(steps[0].get('keep_ratio', False))
    return dict(scale=sorted(sides, reverse=True) if keep else sides, keep_ratio=keep)


def _installed(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"{name} is not installed: pip install 'mmdrs[onnx]'") from error


@contextmanager
def _refused(what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # exporters and runtimes raise errors of many kinds
        raise InputError(f'{what}: {reason_of(error)}') from error
