"""Every stage by hand: the own-data configs through tools/train.py, tools/test.py, and labels."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from mmdrs.pipeline.runs.choice import read_choice
from mmdrs.pseudo_labels.crf import DenseCRF
from mmdrs.pseudo_labels.fusion import BackgroundCue, fuse_maps
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import read_rules
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
        ('refinement', {'map_path': 'CHOSEN/train'}),
        ('segmentation', {'seg_map_path': 'pseudo_labels/train'}),
    ],
)
def test_training(stage, inputs, settings, finished: Path, tmp_path: Path) -> None:
    chosen = read_choice(finished / 'map_choice')['chosen']
    options = [
        f'train_dataloader.dataset.data_prefix.{key}={finished / folder.replace("CHOSEN", chosen)}'
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
    """The same files, byte by byte, as those of stored maps; either way goes on from the other."""
    tool, config = load_tool('make_pseudo_labels'), str(CUSTOM / 'drs-classifier_custom.py')
    checkpoint = str(finished / 'drs_classifier' / 'epoch_2.pth')
    maps = str(finished / 'drs_maps' / 'train')

    def label_files(name: str) -> dict[str, bytes]:
        paths = (tmp_path / name).rglob('*.png')
        return {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in paths}

    def stamps(name: str) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (tmp_path / name).rglob('*.png')}

    def scores() -> list[str]:
        return re.findall(r'mIoU (\S+); with 255 as a miss (\S+?)[;\n]', capsys.readouterr().out)

    tool.main([config, maps, str(tmp_path / 'stored'), *settings])
    tool.main([config, checkpoint, str(tmp_path / 'direct'), *settings])
    first, second = scores()
    assert first == second
    assert label_files('stored') == label_files('direct')
    assert read_rules(tmp_path / 'stored') == read_rules(tmp_path / 'direct') == LabelRules()
    names = [f'img_{number}.png' for number in range(6)]
    assert sorted(label_files('stored')) == [*(f'.evaluated/{name}' for name in names), *names]
    assert not list(tmp_path.rglob('*.npz'))

    before = stamps('stored'), stamps('direct')
    tool.main([config, checkpoint, str(tmp_path / 'stored'), *settings])
    tool.main([config, maps, str(tmp_path / 'direct'), *settings])
    assert before == (stamps('stored'), stamps('direct'))
    assert scores() == [first, first]

    removed = tmp_path / 'direct' / 'img_1.png'
    removed.unlink()
    tool.main([config, checkpoint, str(tmp_path / 'direct'), *settings])
    after = stamps('direct')
    assert [path for path in before[1] if before[1][path] != after[path]] == [removed]
    assert label_files('stored') == label_files('direct')


def test_stored_config_is_left_alone(finished: Path, tmp_path: Path) -> None:
    """The config that a run has stored, its work_dir that of the run."""
    stored = tmp_path / 'run' / 'drs-classifier_custom.py'
    shutil.copytree(finished / 'drs_classifier', stored.parent)
    cfg = Config.fromfile(stored)
    cfg.work_dir = str(stored.parent)
    cfg.pseudo_labels = dict(background_cue=dict(type='constant', value=0.3))
    cfg.dump(stored)
    before = {path: path.read_bytes() for path in stored.parent.rglob('*') if path.is_file()}
    out = tmp_path / 'labels'
    load_tool('make_pseudo_labels').main(
        [str(stored), str(stored.parent / 'epoch_2.pth'), str(out)]
    )
    assert len(list(out.glob('*.png'))) == 6 and list((out / '.run').rglob('*.json'))
    after = {path: path.read_bytes() for path in stored.parent.rglob('*') if path.is_file()}
    assert after == before


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


@pytest.mark.parametrize('loop', ['LocalizationMapLoop', 'TestLoop'])
def test_label_metric_under_the_test_tool(settings, finished, tmp_path: Path, loop: str) -> None:
    """The stock loop does not say what its maps are made of, so that no label of it is kept."""
    config, options = str(CUSTOM / 'refinement_custom.py'), []
    if loop == 'TestLoop':
        options = ['test_cfg._delete_=True', 'test_cfg.type=TestLoop']
    times = []
    for _ in range(2):
        load_tool('test').main(
            [
                *(config, str(finished / 'refinement' / 'epoch_1.pth'), *settings),
                *('--work-dir', str(tmp_path / 'logs'), '--out', str(tmp_path / 'labels')),
                '--cfg-options',
                'test_evaluator.type=PseudoLabelMetric',
                'test_evaluator.background_cue.type=constant',
                *options,
            ]
        )
        files = sorted((tmp_path / 'labels').glob('*.png'))
        times.append([path.stat().st_mtime_ns for path in files])
    assert len(files) == 6
    assert (times[0] == times[1]) == (loop == 'LocalizationMapLoop')
    with Image.open(files[0]) as picture:
        assert picture.mode == 'P' and picture.size == (48, 40)  # that of the image


def test_settings_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="settings file '.*absent.py' does not exist"):
        load_tool('train').main(
            [str(CUSTOM / 'refinement_custom.py'), '--settings', str(tmp_path / 'absent.py')]
        )
