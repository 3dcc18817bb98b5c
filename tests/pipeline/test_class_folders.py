"""A data set of one folder of images per class, without lists."""

import os
import shutil
from pathlib import Path

import pytest
from mmseg.registry import DATASETS

from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import fingerprints, stage_runs
from tests.pipeline_runs import SETTINGS, records

OPTIONS = dict(
    train_list=None,
    val_list=None,
    image_dir='.',
    mask_dir=None,
    saliency_dir=None,
    classes=('background', 'disc', 'bar', 'cross'),
    pseudo_labels=dict(_delete_=True, background_cue=dict(type='constant', value=0.3)),
)


@pytest.fixture
def folders(tiny_voc: Path, tmp_path: Path) -> Path:
    """The first class of each of the six images."""
    root = tmp_path / 'photos'
    for number in range(6):
        folder = root / ('disc', 'bar', 'cross')[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(tiny_voc / 'JPEGImages' / f'img_{number}.jpg', folder / f'{number}.JPG')
    return root


def test_data_of_every_stage(folders: Path, tmp_path: Path) -> None:
    settings = load_settings(SETTINGS, {**OPTIONS, 'data_root': str(folders)})
    for run in stage_runs(settings, tmp_path).values():
        run.check_data()
        assert run.count_images() == 6
    for stage in settings['stages']:
        config = settings.stage_config(stage, tmp_path).train_dataloader.dataset
        dataset = DATASETS.build(dict(config, pipeline=[], check_files=False, check_sizes=False))
        assert [info['img_id'] for info in dataset] == [str(n) for n in range(6)]
        assert dataset.get_data_info(4)['img_path'] == os.path.join(folders, '.', 'bar', '4.JPG')


def test_folders_are_part_of_the_fingerprint(folders: Path, tmp_path: Path) -> None:
    """An image that is moved keeps its name, size and time, but has another label."""

    def prints() -> dict:
        settings = load_settings(SETTINGS, {**OPTIONS, 'data_root': str(folders)})
        return fingerprints(stage_runs(settings, tmp_path))

    first = prints()
    assert prints() == first
    (folders / 'bar' / '4.JPG').rename(folders / 'disc' / '4.JPG')
    assert prints()['plain_classifier'] != first['plain_classifier']


def test_validation_list_besides_the_folders(folders: Path, tmp_path: Path) -> None:
    (tmp_path / 'val.csv').write_text('id,labels\ndisc/0.JPG,disc\nbar/1,bar\n')
    options = {**OPTIONS, 'data_root': str(folders), 'val_list': str(tmp_path / 'val.csv')}
    run = stage_runs(load_settings(SETTINGS, options), tmp_path)['plain_maps']
    train, val = (DATASETS.build(config) for config in run.given_datasets())
    assert (len(train), len(val)) == (6, 2)
    assert val.get_data_info(1)['img_path'] == os.path.join(folders, '.', 'bar', '1.JPG')


def test_stages_run(folders: Path, tmp_path: Path, run_pipeline) -> None:
    options = ('train_list=', 'val_list=', 'image_dir=.', 'mask_dir=', 'saliency_dir=')
    cue = ('pseudo_labels.background_cue._delete_=True', 'pseudo_labels.background_cue.type=power')
    work_dir = tmp_path / 'work'
    run_pipeline(folders, work_dir, '--to', 'plain_maps', options=(*options, *cue))
    found = {path.stem for path in (work_dir / 'plain_maps' / 'train').glob('*.npz')}
    assert found == {str(number) for number in range(6)}
    assert records(work_dir) == {}
