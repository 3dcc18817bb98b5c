"""Make the config that a training stores one that ``mmseg.apis`` can predict images with."""

from typing import Any

from mmengine.config import Config

from mmdrs.apis.inference import test_steps
from mmdrs.datasets.wrappers import leaf_datasets

#: Steps after which a prediction is not one of the whole image.
_CROPS = ('CenterCrop', 'SetOutputShape')


def whole_image_steps(cfg: Config) -> list[dict[str, Any]]:
    """The test pipeline of a config without crops and without the steps that only scores need.

    Raises:
        InputError: If the config has none.
    """
    return [dict(step) for step in test_steps(cfg) if step['type'] not in _CROPS]


def add_inference(cfg: Config) -> None:
    """Give a config what ``init_model``, ``inference_model`` and ``MMSegInferencer`` read.

    That is a ``test_pipeline`` for whole images without masks, and a ``test_dataloader``: where
    nothing is to be tested, one of the training images that is predicted and not scored. A test
    that is there already stays as it is.

    Args:
        cfg: Of a training, changed in place.
    """
    cfg.test_pipeline = whole_image_steps(cfg)
    if cfg.get('test_dataloader') is not None:
        return
    leaf = leaf_datasets(cfg.train_dataloader.dataset)[0]
    images = {key: folder for key, folder in leaf.data_prefix.items() if key == 'img_path'}
    pipeline = [dict(step) for step in cfg.test_pipeline]
    cfg.test_dataloader = dict(
        batch_size=1,
        num_workers=cfg.train_dataloader.get('num_workers', 0),
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=dict(leaf, data_prefix=images, test_mode=True, pipeline=pipeline),
    )
    cfg.test_evaluator = dict(type='SegmentationMetric', format_only=True)
    cfg.test_cfg = dict(type='TestLoop')
