"""The configs that trainings store are ones that ``mmseg.apis`` predicts images with."""

import argparse
import copy
from pathlib import Path

import mmseg.apis
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmdrs.apis.prediction.config import add_inference, whole_image_steps
from mmdrs.apis.prediction.trained_run import trained_stages
from mmdrs.cli.arguments import add_options_argument
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import stage_runs
from tests.pipeline_runs import SETTINGS, tiny_options

TRAININGS = ['plain_classifier', 'drs_classifier', 'refinement', 'segmentation']


@pytest.mark.parametrize('stage', TRAININGS)
def test_mmseg_predicts_with_the_stored_config(
    finished: Path, tiny_voc: Path, tmp_path: Path, stage: str
) -> None:
    _, config, checkpoint = trained_stages(finished)[0][stage]
    # No mask is beside it, and it has another size than those of the training.
    Image.new('RGB', (61, 45), (200, 40, 40)).save(tmp_path / 'photo.png')
    _check_predictions(config, checkpoint, tiny_voc / 'JPEGImages' / 'img_1.jpg', (40, 48))
    _check_predictions(config, checkpoint, tmp_path / 'photo.png', (45, 61))


def _check_predictions(config: Path, checkpoint: Path, image: Path, size: tuple[int, int]) -> None:
    """Both ways of MMSegmentation predict an image, and the same."""
    model = mmseg.apis.init_model(str(config), str(checkpoint), device='cpu')
    sample = mmseg.apis.inference_model(model, str(image))
    assert sample.pred_sem_seg.data.shape == (1, *size)
    assert torch.isfinite(sample.seg_logits.data).all()
    inferencer = mmseg.apis.MMSegInferencer(str(config), str(checkpoint), device='cpu')
    found = inferencer(str(image), show=False)['predictions']
    np.testing.assert_array_equal(found, sample.pred_sem_seg.data[0].numpy())


def test_a_segmentation_network_without_a_validation_list(
    finished: Path, tiny_voc: Path, tmp_path: Path
) -> None:
    parser = argparse.ArgumentParser()
    add_options_argument(parser)
    options = ['--cfg-options', *tiny_options(tiny_voc), 'val_list=None']
    settings = load_settings(SETTINGS, parser.parse_args(options).cfg_options)
    cfg = stage_runs(settings, tmp_path)['segmentation'].config()
    assert cfg.get('test_dataloader') is None
    before = copy.deepcopy(cfg.to_dict())
    add_inference(cfg)
    added = cfg.to_dict()
    for key, value in before.items():
        assert key in ('test_pipeline', 'test_dataloader', 'test_evaluator', 'test_cfg') or (
            added[key] == value
        )
    dataset = cfg.test_dataloader.dataset
    assert dataset.data_prefix.keys() == {'img_path'}
    assert dataset.test_mode
    kinds = [step['type'] for step in dataset.pipeline]
    assert kinds[0] == 'LoadImageFromFile'
    assert kinds[-1] == 'PackSegInputs'
    assert not {'LoadAnnotations', 'RandomCrop', 'RandomFlip'} & set(kinds)
    cfg.dump(tmp_path / 'stored.py')
    checkpoint = trained_stages(finished)[0]['segmentation'].checkpoint
    image = tiny_voc / 'JPEGImages' / 'img_1.jpg'
    _check_predictions(tmp_path / 'stored.py', checkpoint, image, (40, 48))


def test_steps_that_crop_are_left_out() -> None:
    steps = ['LoadImageFromFile', 'CenterCrop', 'LoadAnnotations', 'SetOutputShape', 'Resize']
    pipeline = [dict(type=kind) for kind in [*steps, 'PackSegInputs']]
    cfg = Config(dict(test_pipeline=pipeline))
    found = [step['type'] for step in whole_image_steps(cfg)]
    assert found == ['LoadImageFromFile', 'Resize', 'PackSegInputs']
    assert len(cfg.test_pipeline) == 6


def test_a_test_that_is_there_stays(finished: Path) -> None:
    cfg = Config.fromfile(trained_stages(finished)[0]['segmentation'].config)
    before = copy.deepcopy(cfg.to_dict())
    add_inference(cfg)
    assert cfg.to_dict() == before
