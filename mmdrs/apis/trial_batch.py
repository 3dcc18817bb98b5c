"""One batch of a training on random images, before hours are spent."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import TRANSFORMS
from mmseg.structures import SegDataSample

from mmdrs.apis.runner import drop_worker_options
from mmdrs.datasets.seeding import seeded
from mmdrs.datasets.transforms.loading import LOCALIZATION_KEY, SALIENCY_KEY
from mmdrs.datasets.wrappers import leaf_datasets
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL

#: Height and width of the random images, as those of photographs.
IMAGE_SIZE = (375, 500)
#: Greatest side of what the network is given: options do not depend on it, the time does.
SIDE = 64
_MAPS = dict(LoadLocalizationMap=LOCALIZATION_KEY, LoadSaliencyMap=SALIENCY_KEY)


class Trial(NamedTuple):
    """Pixels of an image of the trial, and of one of the training."""

    pixels: int
    whole: int


def try_batch(
    model: EncoderDecoder, cfg: Config, batch_size: int, grad: bool = False
) -> Trial | None:
    """Run random images through the pipeline, the loader's collation, and the losses of a model.

    Steps that load files give random values. With other loading steps than those known here,
    nothing is run.

    Args:
        model: As built from the config.
        cfg: Config of the training.
        batch_size: Images of the batch.
        grad: Keep what a backward pass needs.

    Returns:
        The sizes; None where nothing was run.

    Raises:
        Exception: What the parts raise where the options do not fit together.
    """
    steps = leaf_datasets(cfg.train_dataloader.dataset)[0].pipeline
    classes = model.decode_head.num_classes
    with seeded(0):
        loaders = [_loader(step, classes) for step in steps]
        if any(load is None for load in loaders):
            return None
        packed = [_sample(loaders, classes) for _ in range(batch_size)]
        whole = math.prod(packed[0]['inputs'].shape[1:])
        samples = [_cut(sample) for sample in packed]
        config = dict(cfg.train_dataloader, dataset=samples, batch_size=batch_size)
        drop_worker_options(config)
        loader = Runner.build_dataloader(config, seed=0)
        data = loader.collate_fn(samples)
        preprocessor: Any = model.data_preprocessor
        if getattr(preprocessor, 'size', None):
            whole = math.prod(preprocessor.size)
            preprocessor.size = tuple(min(side, SIDE) for side in preprocessor.size)
        with torch.set_grad_enabled(grad):
            data = preprocessor(data, training=True)
            # Synchronised batch norm runs on GPUs only.
            losses = revert_sync_batchnorm(model).train()(**data, mode='loss')
            model.parse_losses(losses)
        return Trial(math.prod(data['inputs'].shape[2:]), whole)


def _loader(step: Mapping[str, Any], classes: int) -> Any:
    """A step of the pipeline, or what takes the place of one that loads; None for unknown ones."""
    kind = step['type'] if isinstance(step['type'], str) else step['type'].__name__
    if kind == 'LoadImageFromFile':
        return lambda results: {**results, **_image(bool(step.get('to_float32')))}
    if kind == 'LoadAnnotations':
        return lambda results: _add(results, 'gt_seg_map', _labels(results, classes))
    if kind in _MAPS:
        channels = (classes - 1,) if kind == 'LoadLocalizationMap' else ()
        return lambda results: _add(results, _MAPS[kind], _levels(results, channels))
    return None if kind.startswith('Load') else TRANSFORMS.build(dict(step))


def _image(to_float: bool) -> dict[str, Any]:
    image = np.random.randint(0, 256, (*IMAGE_SIZE, 3)).astype('float32' if to_float else 'uint8')
    return dict(img=image, img_shape=IMAGE_SIZE, ori_shape=IMAGE_SIZE)


def _labels(results: dict[str, Any], classes: int) -> np.ndarray:
    labels = np.random.randint(0, classes, results['img'].shape[:2]).astype(np.uint8)
    labels[:8] = IGNORE_LABEL
    return labels


def _levels(results: dict[str, Any], channels: tuple[int, ...]) -> np.ndarray:
    return np.random.randint(0, 256, (*results['img'].shape[:2], *channels)).astype(np.uint8)


def _add(results: dict[str, Any], key: str, value: np.ndarray) -> dict[str, Any]:
    results[key] = value
    results['seg_fields'].append(key)
    return results


def _sample(loaders: list[Any], classes: int) -> dict[str, Any]:
    """A packed image with its labels."""
    info = dict(img_path='', img_id='', seg_fields=[], reduce_zero_label=False, sample_idx=0)
    labels = np.random.randint(0, 2, classes - 1).astype(np.float32)
    packed = Compose(loaders)(dict(info, img_label=labels))
    if not isinstance(packed, dict) or not isinstance(packed.get('data_samples'), SegDataSample):
        raise InputError('the pipeline of the training does not end in PackSegInputs')
    return packed


def _cut(packed: dict[str, Any]) -> dict[str, Any]:
    """The upper left corner of at most :data:`SIDE` x :data:`SIDE`."""
    packed['inputs'] = packed['inputs'][:, :SIDE, :SIDE]
    sample = packed['data_samples']
    pixels = {key: field for key, field in sample.items() if isinstance(field, PixelData)}
    sample.set_data({key: field[:SIDE, :SIDE] for key, field in pixels.items()})
    sample.set_metainfo(dict(img_shape=tuple(packed['inputs'].shape[1:])))
    return packed
