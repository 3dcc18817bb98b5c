"""The settings of a pipeline as the stages inherit them."""

import warnings
from pathlib import Path

from mmdrs.apis import load_config
from mmdrs.pipeline import load_settings
from tests.pipeline_runs import SETTINGS


def test_saved_settings_come_back(tmp_path: Path) -> None:
    """Backslashes in the keys of dicts too, one of which is an escape of Python: backspace."""
    layers = {r'\bfeatures\.(0|3)\b': dict(delta=0.7), "it's": {}}
    options = {'drs_layers': {**layers, '_delete_': True}, 'image_mean': (1, 2.5, 3), 'seed': 5}
    settings = load_settings(SETTINGS, {**options, 'drs_classifier.log_level': 'ERROR'})
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        settings.save(tmp_path / 'saved.py')
        found = load_config(tmp_path / 'saved.py').to_dict()
    expected = settings.cfg.to_dict()
    assert found.pop('work_dir') != expected.pop('work_dir')
    assert found == expected
    assert found['drs_layers'] == layers and found['image_mean'] == (1, 2.5, 3)
    assert settings.stage_config('drs_classifier', {}, tmp_path).model.backbone.layers == layers
