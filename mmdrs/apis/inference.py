"""Networks on single images, without a data set: beside ``mmseg.apis.inference_model``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS

from mmdrs.apis.checkpoint import check_checkpoint
from mmdrs.datasets.wrappers import leaf_datasets
from mmdrs.engine.loops.map_loop import SCALES, localization_model, map_steps, predict_maps
from mmdrs.errors import InputError


def init_network(cfg: Config, checkpoint: str, device: str = 'cpu') -> EncoderDecoder:
    """Build the network of a config with its weights, in evaluation mode.

    ``mmseg.apis.inference_model`` takes it, too: it has ``cfg`` and, where the checkpoint is one
    of a training, ``dataset_meta`` with ``classes`` and ``palette``.

    Args:
        cfg: As :func:`mmdrs.apis.load_config` returns it.
        checkpoint: File or URL of the weights.
        device: Where the network runs.

    Raises:
        InputError: If the checkpoint is missing, refused, or lacks keys of the model.
    """
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    model = MODELS.build(cfg.model)
    check_checkpoint(model, checkpoint, 'test')
    loaded = load_checkpoint(model, checkpoint, map_location='cpu', logger='silent')
    model.dataset_meta = loaded.get('meta', {}).get('dataset_meta')
    model.cfg = cfg
    return model.to(device).eval()


def inference_class_maps(model: EncoderDecoder, path: str | Path) -> torch.Tensor:
    """Raw class maps (K, h, w) of an image file, at the one size of the config's test pipeline.

    Args:
        model: As :func:`init_network` returns it, with a localization head.
        path: The image.
    """
    inputs = model.data_preprocessor(image_batch(model, path), training=False)['inputs']
    with torch.no_grad():
        return model(inputs)[0]


def inference_maps(
    model: EncoderDecoder, path: str | Path, labels: Sequence[int] | None = None
) -> np.ndarray:
    """Localization maps of an image file, as a test with the model's config makes them.

    So with the test pipeline, and the views, size, precision and method of its ``test_cfg``.

    Args:
        model: As :func:`init_network` returns it, with a localization head.
        path: The image.
        labels: Its foreground classes, counted from 0; None leaves them to the network.

    Returns:
        Maps of all foreground classes, float32 (K, h, w), 0 for those that are not in the image.
        Refined maps may be negative or exceed 1.
    """
    options = _config(model).test_cfg
    maker = localization_model(
        model,
        options.get('scales', SCALES),
        options.get('size'),
        flip=options.get('flip', False),
        merge=options.get('merge', 'max'),
        method=options.get('method'),
    )
    data = image_batch(model, path, labels)
    (sample,) = predict_maps(maker, data, options.get('precision', 'float32'))
    maps: torch.Tensor = sample.seg_logits.get('data')
    return maps[1:].float().cpu().numpy()


def image_batch(
    model: EncoderDecoder, path: str | Path, labels: Sequence[int] | None = None
) -> dict[str, Any]:
    """A batch of one image through the test pipeline, without what only scores need."""
    info: dict[str, Any] = dict(img_path=str(path), img_id=Path(path).stem, seg_fields=[])
    if labels is not None:
        info['img_label'] = np.zeros(model.decode_head.num_classes - 1, np.float32)
        info['img_label'][list(labels)] = 1
    packed: Any = Compose(test_steps(_config(model)))(info)
    return dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])


def _config(model: EncoderDecoder) -> Config:
    """What :func:`init_network` has put into the network."""
    return cast(Config, model.cfg)


def test_steps(cfg: Config) -> list[dict[str, Any]]:
    """The test pipeline of a config without the steps that only scores need.

    Raises:
        InputError: If the config has none.
    """
    loader = cfg.get('test_dataloader')
    steps = leaf_datasets(loader.dataset)[0].get('pipeline') if loader else None
    steps = steps or cfg.get('test_pipeline')
    if not steps:
        raise InputError(f"the config '{cfg.filename}' has no test_pipeline")
    return map_steps(steps)
