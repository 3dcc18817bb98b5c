"""Networks on single images, beside what a test over the data set has stored."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmdrs.apis import inference_class_maps, inference_maps, init_network, load_config
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.map_file import read_maps

EPOCHS = dict(plain_classifier=2, drs_classifier=2, refinement=1)


def stored_network(finished: Path, stage: str, config: str) -> torch.nn.Module:
    folder = finished / stage
    return init_network(load_config(folder / config), str(folder / f'epoch_{EPOCHS[stage]}.pth'))


@pytest.mark.parametrize(
    ('stage', 'config', 'maps'),
    [
        ('plain_classifier', 'plain-classifier_custom.py', 'plain_maps'),
        ('drs_classifier', 'drs-classifier_custom.py', 'drs_maps'),
        ('refinement', 'refinement_custom.py', 'refined_maps'),
    ],
)
def test_maps_are_those_that_the_pipeline_stores(
    stage: str, config: str, maps: str, finished: Path, tiny_voc: Path
) -> None:
    model = stored_network(finished, stage, config)
    for number in (1, 2):  # of two classes, and of one
        stored = read_maps(finished / maps / 'train' / f'img_{number}.npz')
        path = tiny_voc / 'JPEGImages' / f'img_{number}.jpg'
        found = inference_maps(model, path, stored.labels)
        assert found.dtype == np.float32 and found.shape[1:] == stored.values.shape[1:]
        level = stored.scale / 255  # the files hold levels, cut off, not below 0
        clipped = found[list(stored.labels)].clip(0, stored.scale)
        np.testing.assert_allclose(clipped - level / 2, stored.floats(), atol=0.51 * level + 1e-5)
        others = [index for index in range(3) if index not in stored.labels]
        assert (found[others] == 0).all()


def test_class_maps_are_the_raw_output(finished: Path, tiny_voc: Path) -> None:
    """Those of the classes, normalised by themselves, at one scale."""
    model = stored_network(finished, 'drs_classifier', 'drs-classifier_custom.py')
    path = tiny_voc / 'JPEGImages' / 'img_1.jpg'
    raw = inference_class_maps(model, path)
    model.cfg.test_cfg.scales = None
    model.cfg.test_cfg.size = tuple(raw.shape[1:])
    positive = raw.clamp(min=0)
    expected = positive / (positive.amax(dim=(1, 2), keepdim=True) + 1e-5)
    maps = inference_maps(model, path, [0, 1, 2])
    np.testing.assert_allclose(maps, expected.numpy(), atol=1e-5)


def test_network_knows_its_classes_and_needs_its_weights(finished: Path) -> None:
    model = stored_network(finished, 'drs_classifier', 'drs-classifier_custom.py')
    assert model.dataset_meta['classes'] == ('background', 'disc', 'bar', 'cross')
    assert not model.training
    cfg = load_config(finished / 'drs_classifier' / 'drs-classifier_custom.py')
    with pytest.raises(InputError, match='does not fit the model'):
        init_network(cfg, str(finished / 'segmentation' / 'epoch_1.pth'))
