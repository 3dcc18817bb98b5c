"""Saliency maps by a network that has learned a foreground."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch.nn import functional as F

from mmdrs.apis.foreground import LearnedForeground
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.image_file import read_image
from tests.pipeline_runs import foreground_settings


def test_a_map_is_the_probability_of_each_pixel(tiny_voc: Path, tmp_path: Path) -> None:
    """Restated from the weights, at the size of the config and then at that of the image."""
    cfg = foreground_settings(tiny_voc).stage_config('foreground', tmp_path)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmseg'):
        network = MODELS.build(cfg.model).eval()
    torch.nn.init.normal_(network.decode_head.conv_seg.weight, std=9)
    torch.save(network.state_dict(), tmp_path / 'network.pth')
    model = LearnedForeground(cfg, str(tmp_path / 'network.pth'))
    path = tiny_voc / 'JPEGImages' / 'img_1.jpg'
    found = model.map_of(path, 'img_1')
    assert (found.dtype, found.shape, model.source) == (np.uint8, (40, 48), 'learned foreground')

    small = cv2.resize(read_image(path), (36, 36), interpolation=cv2.INTER_LINEAR)
    mean, std = (torch.tensor(values)[:, None, None] for values in (cfg.image_mean, cfg.image_std))
    pixels = (torch.from_numpy(small).permute(2, 0, 1).float() - mean) / std
    with torch.no_grad():
        logits = network.decode_head(network.backbone(pixels[None]))
    for size in ((36, 36), (40, 48)):
        logits = F.interpolate(logits, size, mode='bilinear')
    expected = 255 * logits.sigmoid()[0, 0].numpy()
    assert np.ptp(expected) > 20
    assert abs(found - expected).max() < 0.6
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    with pytest.raises(InputError, match='broken.jpg is not a readable image'):
        model.map_of(tmp_path / 'broken.jpg', 'broken')
