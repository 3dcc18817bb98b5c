"""A segmentation network with random weights, a small field of view, and a config file."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmdrs.pseudo_labels.palette import voc_palette

PIPELINE = (dict(type='LoadImageFromFile'), dict(type='PackSegInputs'))


def write_segmentor(
    folder: Path,
    names: tuple[str, ...] = ('background', 'disc', 'bar', 'cross'),
    resize: dict | None = None,
    head: dict | None = None,
    preprocessor: dict | None = None,
) -> dict[str, Path]:
    """Write config and checkpoint; returns the arguments of ``init_model``.

    Its output stride is 2, and no pixel depends on others that are 24 or more pixels away. Its
    scores differ by enough that several classes are found in noise.

    Args:
        folder: Where the files go.
        names: The classes.
        resize: Step of the test pipeline.
        head: Changes of the decode head.
        preprocessor: Changes of the data preprocessor.
    """
    steps = [PIPELINE[0], *([resize] if resize else []), PIPELINE[1]]
    mean, std = [120.0, 110.0, 100.0], [60.0, 58.0, 56.0]
    model = dict(
        type='EncoderDecoder',
        data_preprocessor={
            **dict(type='SegDataPreProcessor', mean=mean, std=std, bgr_to_rgb=True),
            **(preprocessor or {}),
        },
        backbone=dict(
            type='DilatedVGG', depths=[1, 1], channels=[4, 6], strides=[2], extra_channels=[8]
        ),
        decode_head={
            **dict(type='FCNHead', in_channels=8, channels=8, num_convs=1, num_classes=len(names)),
            **dict(norm_cfg=dict(type='BN'), align_corners=False),
            **(head or {}),
        },
        test_cfg=dict(mode='whole'),
    )
    cfg = Config(dict(default_scope='mmseg', model=model, test_pipeline=steps))
    config, checkpoint = folder / 'tiny.py', folder / 'tiny.pth'
    cfg.dump(config)
    init_default_scope('mmseg')
    torch.manual_seed(1)
    network = MODELS.build(cfg.model)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    meta = dict(dataset_meta=dict(classes=names, palette=voc_palette(len(names))))
    torch.save(dict(state_dict=network.state_dict(), meta=meta), checkpoint)
    return dict(config=config, checkpoint=checkpoint)
