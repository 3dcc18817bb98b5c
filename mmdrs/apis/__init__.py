"""What the command-line tools and the pipeline share: configs, checkpoints, runs."""

from mmdrs.apis.checkpoint import check_checkpoint, read_checkpoint, require_checkpoint
from mmdrs.apis.config import (
    apply_amp,
    apply_labels,
    apply_output,
    apply_show,
    apply_tta,
    load_config,
    require_network,
)
from mmdrs.apis.inference import inference_class_maps, inference_maps, init_network
from mmdrs.apis.pool import ordered_map
from mmdrs.apis.prediction.prediction import Prediction
from mmdrs.apis.prediction.segmentor import Segmentor, init_model
from mmdrs.apis.pseudo_labels import label_dataset, make_pseudo_labels
from mmdrs.apis.runner import build_runner, start_processes
from mmdrs.apis.test import test_model
from mmdrs.apis.train import train_model
from mmdrs.compat import config_path
from mmdrs.errors import InputError, MissingFileError

__all__ = [
    'InputError',
    'MissingFileError',
    'Prediction',
    'Segmentor',
    'apply_amp',
    'apply_labels',
    'apply_output',
    'apply_show',
    'apply_tta',
    'build_runner',
    'check_checkpoint',
    'config_path',
    'inference_class_maps',
    'inference_maps',
    'init_model',
    'init_network',
    'label_dataset',
    'load_config',
    'make_pseudo_labels',
    'ordered_map',
    'read_checkpoint',
    'require_checkpoint',
    'require_network',
    'start_processes',
    'test_model',
    'train_model',
]
