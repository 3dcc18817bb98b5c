"""From a trained run to the masks of new images."""

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.device import get_device
from mmseg.models.segmentors import EncoderDecoder

from mmdrs.apis.config import load_config
from mmdrs.apis.inference import init_network
from mmdrs.apis.prediction.config import whole_image_steps
from mmdrs.apis.prediction.prediction import Collector, Prediction
from mmdrs.apis.prediction.trained_run import run_of, segmentation_stage
from mmdrs.apis.prediction.windows import WindowedInference
from mmdrs.datasets.wrappers import leaf_datasets
from mmdrs.errors import InputError
from mmdrs.models.decode_heads.localization_head import LocalizationHead
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.palette import voc_palette

#: Scores at the size of the images that a batch may hold at once: half a gigabyte.
MOST_SCORES = 1 << 27
#: Pixels of the network's input up to which an image is predicted as a whole.
MOST_INPUT_PIXELS = 1 << 21
#: Side of the windows of larger images.
TILE = 1024

Tile = int | str


def init_model(
    run: str | Path | None = None,
    *,
    config: str | Path | Config | None = None,
    checkpoint: str | Path | None = None,
    device: str | None = None,
) -> 'Segmentor':
    """A trained segmentation network that predicts images::

        import mmdrs.apis
        model = mmdrs.apis.init_model('run')
        prediction = model.predict('photo.jpg')
        print(prediction.label.shape, [model.classes[index] for index in prediction.found])

    Configs are Python and run: use a run that you trust.

    Args:
        run: Work directory of a pipeline, of which the newest segmentation network is taken; or
            ``config`` and ``checkpoint``.
        config: Config of a segmentation network.
        checkpoint: Its weights.
        device: Where it runs; None is the accelerator if there is one.

    Raises:
        InputError: If no segmentation network has finished, or the checkpoint is missing, refused
            or does not fit, or the config is not that of a segmentation network.
    """
    if (run is None) == (config is None) or (config is None) != (checkpoint is None):
        raise InputError('give the work directory of a run, or a config and a checkpoint')
    if run is not None:
        stage = segmentation_stage(run)
        config, checkpoint = stage.config, stage.checkpoint
    # Without a run there is a config, or an error above.
    cfg = config if isinstance(config, Config) else load_config(cast(str | Path, config))
    if 'module' in cfg.model:
        raise InputError(
            f"the config '{cfg.filename}' tests with augmentation; give the config that the "
            'training has stored'
        )
    return Segmentor(init_network(cfg, str(checkpoint), device or get_device()), str(checkpoint))


class Segmentor:
    """A segmentation network with its weights.

    Attributes:
        network: The network, as ``mmseg.apis.init_model`` returns one.
        checkpoint: File or URL of its weights.
        classes: Names of the classes.
        palette: Red, green and blue of each class.
    """

    def __init__(self, network: EncoderDecoder, checkpoint: str) -> None:
        _check_kind(network)
        self.network = network
        self.checkpoint = checkpoint
        meta = getattr(network, 'dataset_meta', None) or _config_meta(self.cfg)
        count = max(2, network.out_channels)
        names = meta.get('classes') or (f'class {index}' for index in range(count))
        palette = meta.get('palette') or voc_palette(count)
        self.classes: tuple[str, ...] = tuple(names)
        self.palette: list[list[int]] = [list(colour) for colour in palette]
        if count > IGNORE_LABEL:
            raise InputError(f'masks of 8 bits hold {IGNORE_LABEL} classes, not {count}')

    @property
    def cfg(self) -> Config:
        """The config of the network."""
        return cast(Config, self.network.cfg)

    def predict(
        self, image: str | Path | np.ndarray, tile: Tile = 'auto', wanted: str | None = None
    ) -> Prediction:
        """Predict an image.

        Args:
            image: A file, or RGB uint8 (H, W, 3); MMSegmentation's own functions take BGR arrays.
            tile: Windows of a large image: ``'auto'`` uses windows of 1024 pixels where
                the whole would take gigabytes; a side in pixels of the network's input, which is
                the image after the resizing of the test pipeline; 0 predicts the whole at once.
            wanted: ``'levels'`` also computes ``levels``, ``'floats'`` ``probabilities``.

        Raises:
            MissingFileError: If there is no such file.
            InputError: If it is no image.
        """
        return self.predict_batch([image], tile, wanted)[0]

    def predict_batch(
        self,
        images: Sequence[str | Path | np.ndarray],
        tile: Tile = 'auto',
        wanted: str | None = None,
        batch_size: int | None = None,
    ) -> list[Prediction]:
        """Predict several images, those of one size at once; see :meth:`predict`.

        ``batch_size`` is that of the windows of large images; None is the number of images.
        """
        pixels = [_pixels(image) for image in images]
        packed = [self._pack(image) for image in pixels]
        collected: dict[int, Collector] = {}
        for indices in self._batches(packed, tile):
            batch = self._predict_whole([packed[index] for index in indices], wanted)
            for index, found in zip(indices, batch, strict=True):
                collected[index] = found
        for index, item in enumerate(packed):
            if index not in collected:
                windows = WindowedInference(self.network, _side(tile), batch_size or len(images))
                collected[index] = self._collector(item, wanted)
                windows.run(item['inputs'], collected[index])
        return [
            self._prediction(image, collected[index], tile) for index, image in enumerate(pixels)
        ]

    def _prediction(self, image: np.ndarray, collected: Collector, tile: Tile) -> Prediction:
        prediction = Prediction(
            image,
            collected.label,
            self.classes,
            self.palette,
            collected.levels,
            compute=partial(self._probabilities, image, tile),
        )
        if collected.floats is not None:
            prediction.probabilities = collected.floats
        return prediction

    def _probabilities(self, image: np.ndarray, tile: Tile) -> np.ndarray:
        return self.predict(image, tile, 'floats').probabilities

    @cached_property
    def _pipeline(self) -> Compose:
        return Compose(array_steps(self.cfg))

    def _pack(self, image: np.ndarray) -> dict[str, Any]:
        """The input of the network, ``inputs`` (3, h, w), BGR, and its ``data_samples``."""
        return cast(dict, self._pipeline(dict(img=np.ascontiguousarray(image[..., ::-1]))))

    def _batches(self, packed: Sequence[dict[str, Any]], tile: Tile) -> Iterator[list[int]]:
        """Places of the images that are predicted as a whole, those of a batch together."""
        groups: dict[tuple, list[int]] = {}
        for index, item in enumerate(packed):
            shape = tuple(item['inputs'].shape[1:]), _size(item)
            if self._is_whole(*shape, tile):
                groups.setdefault(shape, []).append(index)
        for (_, (height, width)), indices in groups.items():
            most = max(1, MOST_SCORES // (self.network.out_channels * height * width))
            for start in range(0, len(indices), most):
                yield indices[start : start + most]

    def _is_whole(self, inputs: tuple[int, int], size: tuple[int, int], tile: Tile) -> bool:
        if tile == 0:
            return True
        small = self.network.out_channels * size[0] * size[1] <= MOST_SCORES
        if tile == 'auto':
            return small and inputs[0] * inputs[1] <= MOST_INPUT_PIXELS
        return small and max(inputs) <= _side(tile)

    def _predict_whole(
        self, packed: Sequence[dict[str, Any]], wanted: str | None
    ) -> Iterator[Collector]:
        """What ``mmseg.apis.inference_model`` computes."""
        data = {key: [item[key] for item in packed] for key in ('inputs', 'data_samples')}
        with torch.no_grad():
            samples = self.network.test_step(data)
        for item, sample in zip(packed, samples, strict=True):
            found = self._collector(item, wanted)
            found.add(slice(None), slice(None), sample.seg_logits.data, is_sigmoid=True)
            yield found

    def _collector(self, packed: dict[str, Any], wanted: str | None) -> Collector:
        threshold = getattr(self.network.decode_head, 'threshold', None)
        return Collector(_size(packed), threshold, wanted)


def array_steps(cfg: Config) -> list[dict[str, Any]]:
    """The test pipeline of a config for images that are arrays, BGR.

    Raises:
        InputError: If it reads other images than ``LoadImageFromFile``, or augments them.
    """
    steps = whole_image_steps(cfg)
    kinds = [step['type'] for step in steps]
    if kinds[:1] != ['LoadImageFromFile'] or 'TestTimeAug' in kinds:
        raise InputError(
            f"the test pipeline of '{cfg.filename}' must begin with LoadImageFromFile and have no "
            f'TestTimeAug; it is {", ".join(map(str, kinds))}'
        )
    steps[0]['type'] = 'LoadImageFromNDArray'
    return steps


def _pixels(image: str | Path | np.ndarray) -> np.ndarray:
    if not isinstance(image, np.ndarray):
        return read_image(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise InputError(f'an image is RGB uint8 (H, W, 3), got {image.dtype} {image.shape}')
    return image


def _side(tile: Tile) -> int:
    return TILE if tile == 'auto' else int(tile)


def _size(packed: dict[str, Any]) -> tuple[int, int]:
    height, width = packed['data_samples'].ori_shape[:2]
    return int(height), int(width)


def _config_meta(cfg: Config) -> dict[str, Any]:
    loader = cfg.get('test_dataloader') or cfg.get('train_dataloader')
    return (leaf_datasets(loader.dataset)[0].get('metainfo') or {}) if loader else {}


def _check_kind(network: EncoderDecoder) -> None:
    """Refuse a network that makes maps."""
    head = getattr(network, 'decode_head', None)
    if isinstance(head, LocalizationHead):
        filename = cast(Config, network.cfg).filename or 'config'
        run = run_of(filename)
        instead = f'mmdrs predict {run}' if run else 'the work directory of its run'
        raise InputError(
            f"'{filename}' is the config of a network that makes localization maps "
            f'({type(head).__name__}), no masks; give that of a segmentation network, or {instead}'
        )
