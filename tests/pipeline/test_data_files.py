"""What the user's files count for: the files of stages, only their scores, or nothing."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mmdrs.cli.arguments import command_parser, parse_run_arguments
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.data_files import DataFiles
from mmdrs.pipeline.runs import fingerprints, stage_runs
from mmdrs.pseudo_labels.rle import encode
from mmdrs.stage_state import Fingerprint
from tests.pipeline_runs import SETTINGS, tiny_options

MAPS = {'plain_maps', 'drs_maps', 'refined_maps'}
LABELS_ON = {'pseudo_labels', 'segmentation', 'evaluation'}
CHOICE_ON = LABELS_ON | {'map_choice', 'refinement', 'refined_maps'}  # as long as none is made
ALL = MAPS | CHOICE_ON | {'plain_classifier', 'drs_classifier'}


@pytest.fixture
def data(tiny_voc: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_voc, tmp_path / 'data'))


def prints(data: Path, work_dir: Path, *more: str) -> dict[str, Fingerprint]:
    argv = ['--cfg-options', *tiny_options(data), *more]
    options = parse_run_arguments(command_parser(''), argv).cfg_options
    return fingerprints(stage_runs(load_settings(SETTINGS, options), work_dir))


def changed(before: dict[str, Fingerprint], after: dict[str, Fingerprint], part: str) -> set[str]:
    return {name for name in before if getattr(before[name], part) != getattr(after[name], part)}


@pytest.mark.parametrize(
    ('file', 'files', 'only_scores'),
    [
        ('JPEGImages/img_1.jpg', ALL, set()),
        ('ImageSets/Segmentation/train_cls.txt', ALL, set()),
        ('saliency_map/img_1.png', CHOICE_ON, MAPS),
        ('SegmentationClass/img_1.png', set(), MAPS | {'pseudo_labels', 'evaluation'}),
        ('JPEGImages/other.jpg', set(), set()),
    ],
)
def test_replaced_file(
    file: str, files: set, only_scores: set, data: Path, tmp_path: Path
) -> None:
    """Of the same size, and with an older time: a backup, or another program's output."""
    (data / 'JPEGImages' / 'other.jpg').touch()
    before = prints(data, tmp_path)
    assert prints(data, tmp_path) == before
    content = (data / file).read_bytes()
    (data / file).write_bytes(content.replace(b'0', b'1') if file.endswith('.txt') else content)
    os.utime(data / file, ns=(10**18, 10**18))
    after = prints(data, tmp_path)
    assert changed(before, after, 'files') == files
    assert changed(before, after, 'scores') == files | only_scores


def test_images_count_for_labels_with_a_crf(data: Path, tmp_path: Path) -> None:
    pytest.importorskip('pydensecrf')
    cue = ('pseudo_labels.background_cue._delete_=True', 'pseudo_labels.background_cue.type=power')
    cue += ('refine_from=drs_maps',)  # the choice between maps looks at saliency maps
    before = prints(data, tmp_path, *cue)
    os.utime(data / 'saliency_map' / 'img_1.png', ns=(0, 0))
    assert prints(data, tmp_path, *cue) == before  # this cue does not look at it


def test_masks_to_merge(data: Path, tmp_path: Path) -> None:
    """They count where they are merged; of a folder each file does, also one that is replaced."""
    for number in range(6):
        mask = Image.open(data / 'SegmentationClass' / f'img_{number}.png')
        (data / 'segments' / f'img_{number}').mkdir(parents=True)
        mask.save(data / 'segments' / f'img_{number}' / '0.png')
    encoded = json.dumps([dict(segmentation=encode(np.ones((40, 48))))])
    (data / 'segments' / 'img_5.json').write_text(encoded)
    plain, merge = prints(data, tmp_path), 'pseudo_labels.merge.type=SegmentMerging'
    unused = prints(data, tmp_path, 'segments_dir=segments')
    assert changed(plain, unused, 'files') == set()
    assert prints(data, tmp_path, merge)  # without masks: an error of the check
    merged = prints(data, tmp_path, merge, 'segments_dir=segments')
    assert changed(unused, merged, 'files') == LABELS_ON
    assert changed(unused, merged, 'scores') == LABELS_ON | MAPS
    source = 'pseudo_labels.merge.source=SAM'
    sourced = prints(data, tmp_path, merge, source, 'segments_dir=segments')
    assert changed(merged, sourced, 'files') == set()
    assert changed(merged, sourced, 'scores') == MAPS | {'pseudo_labels', 'evaluation'}
    for name in ('img_1/0.png', 'img_5.json'):
        os.utime(data / 'segments' / name, ns=(0, 0))
        assert prints(data, tmp_path, 'segments_dir=segments') == unused
        after = prints(data, tmp_path, merge, 'segments_dir=segments')
        assert changed(merged, after, 'files') == LABELS_ON
        assert changed(merged, after, 'scores') == LABELS_ON | MAPS
        merged = after


def test_missing_masks_are_told_before_the_run(data: Path, tmp_path: Path, run_pipeline) -> None:
    merge = 'pseudo_labels.merge.type=SegmentMerging'
    with pytest.raises(SystemExit, match='`merge` .* needs the masks .*: set segments_dir, or'):
        run_pipeline(data, tmp_path / 'work', options=(merge,))
    (data / 'segments').mkdir()
    for number in (0, 1, 3, 5):
        shape = (40, 48) if number else (48, 40)
        encoded = json.dumps([dict(segmentation=encode(np.ones(shape)))])
        (data / 'segments' / f'img_{number}.json').write_text(encoded)
    with pytest.raises(SystemExit) as stop:
        run_pipeline(data, tmp_path / 'work', options=(merge, 'segments_dir=segments'))
    text = str(stop.value)
    assert 'segments_dir: 2 of 6 files are missing:' in text
    assert f'{data}/segments/img_2.json' in text and 'or a folder <id> of PNGs' in text
    assert f'{data}/segments/img_0.json is 40 x 48, its image' in text
    assert not (tmp_path / 'work' / 'plain_classifier').exists()


@pytest.mark.parametrize('option', ['backbone.init_cfg.checkpoint', 'load_from'])
def test_replaced_weights(option: str, data: Path, tmp_path: Path) -> None:
    """By their content: a copy of the same weights is the same."""
    weights = tmp_path / 'weights.pth'
    weights.write_bytes(b'abc')
    options = [f'{option}={weights}', 'backbone.init_cfg.type=Pretrained']
    if option == 'load_from':
        options = [f'{stage}_classifier.load_from={weights}' for stage in ('plain', 'drs')]
    before = prints(data, tmp_path, *options)
    os.utime(weights, ns=(0, 0))
    assert prints(data, tmp_path, *options) == before
    weights.write_bytes(b'abd')
    assert changed(before, prints(data, tmp_path, *options), 'files') == ALL


def test_every_file_is_looked_at_once(data: Path, tmp_path: Path, monkeypatch) -> None:
    """Whatever the number of stages that use it."""
    looked = []

    def counted(path: str) -> os.stat_result:
        looked.append(path)
        return os.stat(path)

    # Of this module alone: the checks of the data set look at files as well.
    monkeypatch.setattr('mmdrs.pipeline.data_files.os', SimpleNamespace(stat=counted))
    prints(data, tmp_path)
    assert len(looked) == len(set(looked)) == 3 * 6


def test_missing_file_is_an_error_of_the_check(data: Path) -> None:
    """Not of the fingerprint, which is that of stages that may not be run."""
    config = dict(
        type='ImageLabelDataset',
        data_root=str(data),
        ann_file='ImageSets/Segmentation/train_cls.txt',
        data_prefix=dict(img_path='JPEGImages', saliency_path='saliency_map'),
        metainfo=dict(classes=('background', 'disc', 'bar', 'cross')),
        pipeline=[],
    )
    found = DataFiles()
    found.check(config)
    assert all(found.fingerprint(config, ['img_path', 'saliency_path']))
    Image.new('L', (3, 3)).save(data / 'saliency_map' / 'img_1.png')
    assert DataFiles().fingerprint(config, ['img_path']) == ['']
    with pytest.raises(ValueError, match=r'img_1\.png is 3 x 3'):
        DataFiles().check(config)
