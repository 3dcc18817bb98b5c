"""Every stage by hand: the own-data configs through tools/train.py, tools/test.py, and labels."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue, fuse_maps
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
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


def test_labels_without_stored_maps(settings, finished: Path, tmp_path: Path, capsys) -> None:
    """Those of the stored maps, which are rounded down to levels; finished ones are left alone."""
    tool, config = load_tool('make_pseudo_labels'), str(CUSTOM / 'drs-classifier_custom.py')
    checkpoint = str(finished / 'drs_classifier' / 'epoch_2.pth')
    given = [*settings, '--work-dir', str(tmp_path / 'logs')]
    tool.main([config, str(finished / 'drs_maps' / 'train'), str(tmp_path / 'stored'), *given])
    tool.main([config, checkpoint, str(tmp_path / 'direct'), *given])
    assert capsys.readouterr().out.count('mIoU') >= 2
    stored = {path.name: read_label(path) for path in (tmp_path / 'stored').glob('*.png')}
    direct = {path.name: read_label(path) for path in (tmp_path / 'direct').glob('*.png')}
    assert stored.keys() == direct.keys() and len(stored) == 6
    differing = [(stored[name] != direct[name]).mean() for name in stored]
    assert np.mean(differing) < 0.02
    assert not list(tmp_path.rglob('*.npz'))

    # Without masks to score with, a second call computes nothing.
    text = re.sub('^mask_dir = .*$', 'mask_dir = None', Path(settings[1]).read_text(), flags=re.M)
    (tmp_path / 'settings.py').write_text(text)
    given[1] = str(tmp_path / 'settings.py')
    tool.main([config, checkpoint, str(tmp_path / 'again'), *given])
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / 'again').glob('*.png')}
    assert len(before) == 6
    removed = next(iter(before))
    removed.unlink()
    tool.main([config, checkpoint, str(tmp_path / 'again'), *given])
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / 'again').glob('*.png')}
    changed = [path for path in before if after[path] != before[path]]
    # Batches of two: the neighbour of the missing one keeps its file, or is written anew with it.
    assert removed in changed and len(changed) <= 2


def test_labels_with_crf(settings, tiny_voc: Path, tmp_path: Path) -> None:
    """The tool's labels are the maps fused with the CRF; its constants are options."""
    pytest.importorskip('pydensecrf')
    crf = DenseCRF(iterations=3, bilateral_srgb=20)
    options = ['pseudo_labels.crf.iterations=3', 'pseudo_labels.crf.bilateral_srgb=20']
    # Those of the tiny networks are flat.
    rng = np.random.default_rng(0)
    maps = {f'img_{n}': rng.uniform(0.1, 0.9, (2, 40, 48)).astype(np.float32) for n in range(6)}
    for name, values in maps.items():
        stored = LocalizationMaps.from_floats((0, 2), values, (40, 48))
        write_maps(tmp_path / 'maps' / f'{name}.npz', stored)
        maps[name] = stored.floats()
    load_tool('make_pseudo_labels').main(
        [
            *(str(CUSTOM / 'refinement_custom.py'), str(tmp_path / 'maps')),
            *(str(tmp_path / 'labels'), *settings, '--cfg-options', *options),
        ]
    )
    for name, values in maps.items():
        saliency = read_label(tiny_voc / 'saliency_map' / f'{name}.png')
        image = read_image(tiny_voc / 'JPEGImages' / f'{name}.jpg', (40, 48))
        inputs = values, (0, 2), BackgroundCue(), saliency
        written = read_label(tmp_path / 'labels' / f'{name}.png')
        np.testing.assert_array_equal(written, fuse_maps(*inputs, crf=crf, image=image)[0])
        assert (written != fuse_maps(*inputs)[0]).any()


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
