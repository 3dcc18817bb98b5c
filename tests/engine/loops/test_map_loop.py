"""Making maps: by one process, by two, and a second time."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from mmengine.config import Config

from mmdrs import apis
from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Score, read_evaluation
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.pseudo_labels.rules import LabelRules
from tests.pipeline_runs import ROOT, load_tool

CONFIG = 'drs-classifier_custom.py'


@pytest.fixture
def config(finished: Path, monkeypatch) -> Path:
    """The config of the DRS classifier with the settings of a finished pipeline."""
    monkeypatch.setenv('MMDRS_SETTINGS', str(finished / 'settings.py'))
    return ROOT / 'configs' / 'custom' / CONFIG


def make_maps(
    config: Path, checkpoint: Path | str, out: Path, options: dict | None = None, tta: bool = False
) -> dict[str, float]:
    cfg = apis.load_config(str(config), options, work_dir=str(out.parent / 'logs'))
    cfg.runner_type = 'QuietRunner'
    if tta:
        apis.apply_tta(cfg)
    apis.apply_output(cfg, str(out))
    return apis.test_model(cfg, str(checkpoint))


def stamps(folder: Path, pattern: str = '*.npz') -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob(pattern)}


def remade(before: dict[str, int], after: dict[str, int]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


def test_maps_are_multi_scale_by_default(config: Path, finished: Path, tmp_path: Path) -> None:
    """The maximum of single-scale maps; the stored config is that of the plain network."""
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    # The scales of the settings, of squares of 32; and each by itself, as `scales` of one side.
    for name, scales in dict(both=(24, 32), small=(24,), large=(32,), none=None).items():
        make_maps(config, checkpoint, tmp_path / name, {'test_cfg.scales': scales})
    make_maps(config, checkpoint, tmp_path / 'default')
    differing = 0
    for path in (tmp_path / 'default').glob('*.npz'):
        found = {
            name: read_maps(tmp_path / name / path.name)
            for name in ('default', 'both', 'small', 'large', 'none')
        }
        merged = np.maximum(found['small'].values, found['large'].values)
        np.testing.assert_array_equal(found['default'].values, merged)
        differing += (found['small'].values != found['large'].values).any()
        np.testing.assert_array_equal(found['none'].values, found['large'].values)
        assert found['default'].record == found['both'].record
        records = [found[name].record for name in ('both', 'small', 'large', 'none')]
        assert [record['scales'] for record in records] == [[24, 32], [24], [32], None]
        assert found['default'].values.shape[1:] == (32, 32)
        assert found['default'].original_size == (40, 48)
    assert differing >= 3
    stored = Config.fromfile(tmp_path / 'logs' / CONFIG)
    assert stored.model.type == 'ImageLabelEncoderDecoder'


def test_second_run_reads_what_is_finished(config: Path, finished: Path, tmp_path: Path) -> None:
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    out = tmp_path / 'maps'
    scores = make_maps(config, checkpoint, out)
    before = stamps(out)
    assert len(before) == 6
    assert make_maps(config, checkpoint, out) == scores
    assert stamps(out) == before
    # MMSegmentation's own way to them makes the same maps.
    assert make_maps(config, checkpoint, out, tta=True) == scores
    assert stamps(out) == before
    # Maps of another checkpoint do not count as finished.
    other = shutil.copy(finished / 'drs_classifier' / 'epoch_1.pth', tmp_path / 'other.pth')
    make_maps(config, Path(other), out)
    assert remade(before, stamps(out)) == set(before)


@pytest.mark.parametrize(
    ('options', 'made_anew'),
    [
        ({'test_cfg.scales': (32,)}, True),
        ({'test_cfg.size': (30, 30)}, True),
        ({'test_cfg.precision': 'bfloat16'}, True),
        ({'test_cfg.channels_last': False}, False),
        ({'test_cfg.flip': True}, True),
        ({'test_cfg.merge': 'sum'}, True),
        ({'model.decode_head.threshold': 0.3}, True),
        ({'model.test_cfg': dict(mode='slide', crop_size=(16, 16), stride=(8, 8))}, True),
        # The image is resized by another library.
        ({'test_dataloader.dataset.pipeline.1.backend': 'pillow',
          'test_dataloader.dataset.pipeline.0.to_float32': False}, True),
        # Masks are for the scores.
        ({'test_dataloader.dataset.pipeline.2': {'type': 'LoadSaliencyMap'}}, False),
        ({'test_dataloader.batch_size': 1}, False),
    ],
)  # fmt: skip
def test_what_makes_maps_anew(
    config: Path, finished: Path, tmp_path: Path, options: dict, made_anew: bool
) -> None:
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    out = tmp_path / 'maps'
    shutil.copytree(finished / 'drs_maps' / 'train', out)
    before = stamps(out)
    make_maps(config, checkpoint, out, options)
    assert remade(before, stamps(out)) == (set(before) if made_anew else set())


def test_corrected_image_labels_make_maps_anew(
    config: Path, finished: Path, tiny_voc: Path, tmp_path: Path
) -> None:
    """Of the one image; those beside it in its batch stay."""
    lines = (tiny_voc / 'ImageSets' / 'Segmentation' / 'train_cls.txt').read_text()
    assert 'img_2 2\n' in lines
    (tmp_path / 'list.txt').write_text(lines.replace('img_2 2\n', 'img_2 0 2\n'))
    out = tmp_path / 'maps'
    shutil.copytree(finished / 'drs_maps' / 'train', out)
    before = stamps(out)
    options = {'test_dataloader.dataset.ann_file': str(tmp_path / 'list.txt')}
    make_maps(config, finished / 'drs_classifier' / 'epoch_2.pth', out, options)
    assert remade(before, stamps(out)) == {'img_2.npz'}
    assert read_maps(out / 'img_2.npz').labels == (0, 2)
    assert read_maps(out / 'img_2.npz').record['labels'] == [0, 2]


def test_maps_and_labels_of_one_test(config: Path, finished: Path, tmp_path: Path) -> None:
    """Both are kept; where one is missing, both come of the network again, and one is written."""
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    rules = dict(type='PseudoLabelMetric', background_cue=dict(type='constant'), prefix='labels')
    options = {'test_evaluator': [dict(type='LocalizationMetric'), rules]}
    out = tmp_path / 'out'
    scores = make_maps(config, checkpoint, out, options)
    assert {'mIoU_fixed', 'labels/mIoU', 'labels/mIoU_written'} <= scores.keys()
    maps, labels = stamps(out), stamps(out / 'labels', '*.png')
    assert len(maps) == len(labels) == len(stamps(out / 'labels' / '.evaluated', '*.png')) == 6
    (out / 'labels' / 'img_3.png').unlink()
    assert make_maps(config, checkpoint, out, options) == scores
    assert stamps(out) == maps
    assert remade(labels, stamps(out / 'labels', '*.png')) == {'img_3.png'}
    # A metric of other things needs the prediction, which the maps hold and the labels do not.
    other = {'test_evaluator': [rules, dict(type='IoUMetric', iou_metrics=['mIoU'])]}
    first = make_maps(config, checkpoint, tmp_path / 'other' / 'out', other)
    again = make_maps(config, checkpoint, tmp_path / 'other' / 'out', other)
    assert first['mIoU'] == again['mIoU'] and first['labels/mIoU'] == scores['labels/mIoU']


@pytest.mark.parametrize('scheme', ['file', 'http'])
def test_checkpoint_given_as_url(
    config: Path, finished: Path, tmp_path: Path, served: Callable[[Path], str], scheme: str
) -> None:
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    url = served(checkpoint) if scheme == 'http' else f'file://{checkpoint}'
    assert make_maps(config, url, tmp_path / 'url') == make_maps(
        config, checkpoint, tmp_path / 'file'
    )
    for path in (tmp_path / 'file').glob('*.npz'):
        found, wanted = read_maps(tmp_path / 'url' / path.name), read_maps(path)
        np.testing.assert_array_equal(found.values, wanted.values)


def test_url_without_a_checkpoint(
    config: Path, finished: Path, tmp_path: Path, served: Callable[[Path], str]
) -> None:
    url = served(finished / 'gone.pth')
    with pytest.raises(InputError, match=r'gone\.pth.* cannot be downloaded .*404'):
        make_maps(config, url, tmp_path / 'url')


def test_maps_of_a_cam_method(
    config: Path, finished: Path, tmp_path: Path, grad_cam: ModuleType
) -> None:
    """By `tools/test.py`; the files, the record of their scores and that of labels name it."""
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    out = tmp_path / 'maps'
    argv = [str(config), str(checkpoint), '--out', str(out), '--work-dir', str(tmp_path / 'logs')]
    option = 'test_cfg.method=GradCAM'
    load_tool('test').main([*argv, '--cfg-options', option])
    before = stamps(out)
    assert len(before) == 6
    stored = read_maps(out / 'img_1.npz')
    method = dict(stored.record['method'])
    assert method.pop('library').startswith('grad-cam 1.')
    assert method == dict(type='GradCAM', layer=['decode_head.convs'])
    assert stored.record['scales'] == [24, 32] and stored.values.max() > 250
    assert {score.protocol.method for score in sum(scores_of(tmp_path / 'logs'), [])} == {
        'GradCAM'
    }
    # The same in Python.
    cfg = apis.load_config(str(config), {'test_cfg.method': 'GradCAM'})
    image = Path(cfg.test_dataloader.dataset.data_root) / 'JPEGImages' / 'img_1.jpg'
    found = apis.inference_maps(apis.init_network(cfg, str(checkpoint)), image, stored.labels)
    np.testing.assert_allclose(found[list(stored.labels)], stored.floats(), atol=1.01 / 255)
    # They are finished, also for the way by test-time augmentation, but not as CAMs.
    load_tool('test').main([*argv, '--tta', '--cfg-options', option])
    assert stamps(out) == before
    # Maps say of themselves what made them: the config of the labels names no method.
    cfg = apis.load_config(str(config), work_dir=str(tmp_path / 'labels'))
    rules = LabelRules(background_cue=BackgroundCue('constant'))
    record = apis.label_dataset(cfg, out, tmp_path / 'labels' / 'png', rules)
    assert {score.protocol.method for score in record.scores} == {'GradCAM'}
    make_maps(config, checkpoint, out)
    assert remade(before, stamps(out)) == set(before)
    assert 'method' not in read_maps(out / 'img_1.npz').record
    record = apis.label_dataset(cfg, out, tmp_path / 'labels' / 'png', rules)
    assert {score.protocol.method for score in record.scores} == {''}
    with pytest.raises(InputError, match="no method 'GradCam', .*; did you mean 'GradCAM'"):
        make_maps(config, checkpoint, out, {'test_cfg.method': 'GradCam'})


def test_other_augmentation_is_refused(config: Path, finished: Path, tmp_path: Path) -> None:
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    options = {'tta_model': dict(_delete_=True, type='SegTTAModel')}
    with pytest.raises(ValueError, match='no maps with a SegTTAModel: leave out --tta'):
        make_maps(config, checkpoint, tmp_path, options, tta=True)


@pytest.mark.parametrize('processes', [2, 3])
def test_several_processes_make_the_same_maps_labels_and_scores(
    config: Path, finished: Path, tmp_path: Path, processes: int
) -> None:
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    both = tmp_path / CONFIG
    both.write_text(
        f"_base_ = ['{config}']\n"
        "rules = dict(type='PseudoLabelMetric', background_cue=dict(type='constant'))\n"
        "test_evaluator = [dict(type='LocalizationMetric'), dict(**rules, prefix='labels')]\n"
    )
    one, several = tmp_path / 'one', tmp_path / 'several'
    make_maps(both, checkpoint, one / 'maps')
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    run = subprocess.run(
        [
            *('bash', str(ROOT / 'tools' / 'dist_test.sh'), str(both), str(checkpoint)),
            *(str(processes), '--out', str(several / 'maps')),
            *('--work-dir', str(several / 'logs')),
        ],
        env=dict(os.environ, PORT=str(port), OMP_NUM_THREADS='1', PYTHON=sys.executable),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    for pattern, count in (('maps/*.npz', 6), ('maps/labels/*.png', 6), ('logs/results/*', 2)):
        assert len(list(one.glob(pattern))) == count
        assert len(list(several.glob(pattern))) == count
    for path in (one / 'maps').glob('*.npz'):
        wanted, found = read_maps(path), read_maps(several / 'maps' / path.name)
        assert (wanted.labels, wanted.scale) == (found.labels, found.scale)
        assert wanted.record == found.record
        np.testing.assert_array_equal(wanted.values, found.values)
    for path in (one / 'maps' / 'labels').glob('*.png'):
        assert path.read_bytes() == (several / 'maps' / 'labels' / path.name).read_bytes()
    assert scores_of(one / 'logs') == scores_of(several / 'logs')


def scores_of(work_dir: Path) -> list[list[Score]]:
    found = [read_evaluation(path).scores for path in (work_dir / 'results').iterdir()]
    return sorted(found, key=str)


def test_precision_and_memory_format(config: Path, finished: Path, tmp_path: Path) -> None:
    """bfloat16 moves levels by rounding only; it is part of what a map file was made with."""
    checkpoint = finished / 'drs_classifier' / 'epoch_2.pth'
    levels, records = {}, {}
    for name, options in dict(
        plain={'test_cfg.channels_last': False},
        channels_last={},
        bf16={'test_cfg.precision': 'bfloat16'},
    ).items():
        make_maps(config, checkpoint, tmp_path / name, options)
        stored = [read_maps(path) for path in sorted((tmp_path / name).glob('*.npz'))]
        levels[name] = np.concatenate([maps.values.ravel() for maps in stored]).astype(int)
        records[name] = stored[0].record
    assert np.abs(levels['plain'] - levels['channels_last']).max() <= 1
    difference = np.abs(levels['plain'] - levels['bf16'])
    assert 0 < difference.mean() < 4
    assert records['plain'] == records['channels_last'] != records['bf16']


def test_unknown_precision(config: Path, finished: Path, tmp_path: Path) -> None:
    cfg = apis.load_config(str(config), work_dir=str(tmp_path / 'logs'))
    cfg.test_cfg.precision = 'half'
    with pytest.raises(ValueError, match="precision must be one of .*got 'half'"):
        apis.test_model(cfg, str(finished / 'drs_classifier' / 'epoch_2.pth'))
