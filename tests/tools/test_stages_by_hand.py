"""Every stage by hand: the own-data configs through tools/train.py, tools/test.py, and labels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.pipeline_runs import ROOT, load_tool

CUSTOM = ROOT / 'configs' / 'custom'


@pytest.fixture
def settings(finished: Path) -> list[str]:
    return ['--settings', str(finished / 'settings.py')]


@pytest.mark.parametrize(
    ('stage', 'inputs'),
    [
        ('plain-classifier', {}),
        ('drs-classifier', {}),
        ('refinement', {'map_path': 'drs_maps/train'}),
        ('segmentation', {'seg_map_path': 'pseudo_labels/train'}),
    ],
)
def test_training(stage, inputs, settings, finished: Path, tmp_path: Path) -> None:
    options = [
        f'train_dataloader.dataset.data_prefix.{key}={finished / folder}'
        for key, folder in inputs.items()
    ]
    load_tool('train').main(
        [
            *(str(CUSTOM / f'{stage}_custom.py'), *settings, '--work-dir', str(tmp_path)),
            *('--cfg-options', 'train_cfg.max_epochs=1', *options),
        ]
    )
    checkpoint = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)
    assert checkpoint['meta']['iter'] == 3  # six images in batches of two
    losses = checkpoint['message_hub']['log_scalars']['train/loss'].data[0]
    assert len(losses) == 3 and np.isfinite(losses).all()


def test_labels(settings, finished: Path, tmp_path: Path, capsys) -> None:
    """The tool writes what the pipeline writes."""
    load_tool('make_pseudo_labels').main(
        [
            *(str(CUSTOM / 'refinement_custom.py'), str(finished / 'refined_maps' / 'train')),
            *(str(tmp_path / 'labels'), *settings, '--workers', '2'),
        ]
    )
    expected = sorted((finished / 'pseudo_labels' / 'train').glob('*.png'))
    assert len(expected) == 6
    for path in expected:
        assert path.read_bytes() == (tmp_path / 'labels' / path.name).read_bytes()
    assert 'mIoU' in capsys.readouterr().out


def test_missing_maps_are_named(settings, finished: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match='6 of 6 localization maps are missing in .*nowhere'):
        load_tool('make_pseudo_labels').main(
            [str(CUSTOM / 'refinement_custom.py'), 'nowhere', str(tmp_path / 'labels'), *settings]
        )


def test_direct_labels_without_stored_maps(settings, finished: Path, tmp_path: Path) -> None:
    """PseudoLabelMetric under tools/test.py: the network's labels, without map files between."""
    load_tool('test').main(
        [
            *(str(CUSTOM / 'refinement_custom.py'), str(finished / 'refinement' / 'epoch_1.pth')),
            *(*settings, '--work-dir', str(tmp_path / 'logs'), '--out', str(tmp_path / 'labels')),
            '--cfg-options',
            'test_evaluator.type=PseudoLabelMetric',
            'test_evaluator.background_cue.type=constant',
            'test_cfg.type=TestLoop',
        ]
    )
    files = sorted((tmp_path / 'labels').glob('*.png'))
    assert len(files) == 6
    with Image.open(files[0]) as picture:
        assert picture.mode == 'P' and picture.size == (48, 40)  # that of the image


def test_settings_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="settings file '.*absent.py' does not exist"):
        load_tool('train').main(
            [str(CUSTOM / 'refinement_custom.py'), '--settings', str(tmp_path / 'absent.py')]
        )
