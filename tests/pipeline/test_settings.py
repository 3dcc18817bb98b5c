"""The settings of a pipeline: applied to every stage, inherited by templates, anywhere."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmdrs.apis import InputError, load_config
from mmdrs.apis.shared_settings import SHARED_KEYS, apply_settings
from mmdrs.evaluation.records.protocol import dataset_name
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import fingerprints, stage_runs
from tests.pipeline_runs import ROOT, SETTINGS

ALL_SETTINGS = sorted((ROOT / 'configs').rglob('settings_*.py'))
BISENET = 'bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py'
#: Another value of every shared key.
CHANGED: dict[str, Any] = dict(
    seed=7,
    data_root='elsewhere',
    train_list='lists/train.txt',
    val_list='lists/val.txt',
    eval_list='lists/eval.txt',
    image_dir='photos',
    image_suffix='.png',
    mask_dir='masks',
    eval_mask_dir='eval_masks',
    saliency_dir='cues',
    segments_dir='segments',
    classes=('background', 'one', 'two', 'three'),
    dataset_name='Things, a part',
    skip_broken=True,
    num_workers=1,
    batch_size=3,
)


def test_saved_settings_come_back(tmp_path: Path) -> None:
    """Backslashes in the keys of dicts too, one of which is an escape of Python: backspace."""
    layers = {r'\bfeatures\.(0|3)\b': dict(delta=0.7), "it's": {}}
    options = {'drs_layers': {**layers, '_delete_': True}, 'image_mean': (1, 2.5, 3), 'seed': 5}
    settings = load_settings(SETTINGS, {**options, 'drs_classifier.log_level': 'ERROR'})
    expected = settings.values()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        settings.save(tmp_path / 'saved.py')
        found = load_settings(tmp_path / 'saved.py').values()
    assert found == expected
    assert found['drs_layers'] == layers and found['image_mean'] == (1, 2.5, 3)
    assert settings.stage_config('drs_classifier', tmp_path).model.backbone.layers == layers


@pytest.mark.parametrize('name', ["it's", 'say "x"', r'back\new\1', '{x}', 'a b'])
def test_work_directories_with_any_name(name: str, tmp_path: Path) -> None:
    """Their settings are Python, and their path is put into the Python of the stages' configs."""
    work_dir = tmp_path / name
    settings = load_settings(SETTINGS, {'data_root': str(work_dir / 'data'), 'seed': 5})
    settings.save(work_dir / 'settings.py')
    settings.check_keys()
    for run in stage_runs(load_settings(work_dir / 'settings.py', {'seed': 6}), work_dir).values():
        cfg = run.config()
        assert cfg.randomness.seed == 6
        assert cfg.train_dataloader.dataset.data_root == str(work_dir / 'data')


@pytest.mark.parametrize('path', ALL_SETTINGS, ids=lambda path: path.stem)
def test_every_shared_key_reaches_every_stage(path: Path, tmp_path: Path) -> None:
    settings = load_settings(path, CHANGED)
    settings.save(tmp_path / 'settings.py')
    for stage in settings['stages']:
        cfg = settings.stage_config(stage, tmp_path)
        assert cfg.randomness.seed == 7, stage
        assert cfg.model.decode_head.num_classes == 4, stage
        segments = stage == 'segmentation'
        for role in ('train', 'test'):
            loader = cfg[f'{role}_dataloader']
            assert (loader.num_workers, loader.persistent_workers) == (1, True), (stage, role)
            dataset = loader.dataset
            listed = {'train': 'train', 'test': 'eval' if segments else 'train'}[role]
            assert dataset.data_root == 'elsewhere'
            assert dataset.ann_file == f'lists/{listed}.txt'
            assert dataset.img_suffix == '.png'
            assert dataset.skip_broken
            assert dataset.metainfo.classes == CHANGED['classes']
            assert dataset_name(dataset) == 'Things, a part'
            assert dataset.data_prefix.img_path == 'photos'
        assert cfg.train_dataloader.batch_size == 3
        folders = cfg.test_dataloader.dataset.data_prefix
        assert folders.seg_map_path == ('eval_masks' if segments else 'masks')
        if not segments:
            assert (folders.saliency_path, folders.segments_path) == ('cues', 'segments')
        kinds = [step.type for step in cfg.test_dataloader.dataset.pipeline]
        assert kinds.count('LoadAnnotations') == 1, stage


@pytest.mark.parametrize('path', ALL_SETTINGS, ids=lambda path: path.stem)
def test_shipped_settings_have_every_shared_key(path: Path) -> None:
    settings = load_settings(path)
    assert set(SHARED_KEYS) <= set(settings.cfg)
    settings.check_keys()


def test_without_options_a_stage_is_what_its_config_says(tmp_path: Path) -> None:
    """The settings of VOC 2012 repeat what the configs have: run by hand they do the same."""
    settings = load_settings(ROOT / 'configs' / 'voc12' / 'settings_voc12.py')
    for stage in settings['stages']:
        applied = settings.stage_config(stage, tmp_path).to_dict()
        plain = load_config(settings.config_file(stage), None, str(tmp_path)).to_dict()
        for cfg in (applied, plain):
            for role in ('train', 'val', 'test'):
                dataset = (cfg.get(f'{role}_dataloader') or {}).get('dataset', {})
                dataset.pop('img_suffix', None)  # the default
        assert applied == plain, stage


def test_masks_decide_what_is_scored(tmp_path: Path) -> None:
    path = ROOT / 'configs' / 'voc12' / 'settings_voc12.py'
    scored = load_settings(path, {'mask_dir': 'SegmentationClassAug'})
    cfg = scored.stage_config('plain_classifier', tmp_path)
    assert [step.type for step in cfg.test_dataloader.dataset.pipeline].count(
        'LoadAnnotations'
    ) == 1
    assert [step.type for step in cfg.tta_pipeline].count('LoadAnnotations') == 1
    # Images without masks are predicted, with and without test-time augmentation.
    silent = load_settings(path, {'eval_mask_dir': None})
    cfg = silent.stage_config('segmentation', tmp_path)
    dataset = cfg.test_dataloader.dataset
    assert dataset.ann_file == 'ImageSets/Segmentation/val.txt'
    assert set(dataset.data_prefix) == {'img_path'}
    augmented = [step for step in cfg.tta_pipeline if step['type'] == 'TestTimeAug']
    branches = [branch for step in augmented for branch in step['transforms']]
    assert branches and all(branches)
    steps = [*dataset.pipeline, *cfg.tta_pipeline, *(step for b in branches for step in b)]
    assert 'LoadAnnotations' not in [step['type'] for step in steps]
    assert cfg.test_evaluator == dict(type='SegmentationMetric', format_only=True)
    (given,) = stage_runs(silent, tmp_path)['evaluation'].given_datasets()
    assert 'seg_map_path' not in given['data_prefix']
    # Without a list nothing is tested.
    silent = load_settings(path, dict(eval_mask_dir=None, eval_list=None, val_list=None))
    cfg = silent.stage_config('segmentation', tmp_path)
    for key in ('dataloader', 'evaluator', 'cfg'):
        assert cfg[f'test_{key}'] is None and cfg[f'val_{key}'] is None
    assert stage_runs(silent, tmp_path)['evaluation'].given_datasets() == []


def test_another_name_of_the_data_makes_nothing_but_records_anew(tmp_path: Path) -> None:
    options = ({}, {'dataset_name': 'Pets'}, {'dataset_name': 'Cats'})
    found = [fingerprints(stage_runs(load_settings(SETTINGS, o), tmp_path)) for o in options]
    for stage, first in found[0].items():
        assert {prints[stage].files for prints in found} == {first.files}, stage
        scored = stage.endswith('_maps') or stage in ('pseudo_labels', 'evaluation')
        assert len({prints[stage].scores for prints in found}) == (3 if scored else 1), stage


def test_stock_config_becomes_a_segmentation_stage(tmp_path: Path) -> None:
    """One of MMSegmentation that knows nothing of settings, for other data and classes."""
    stock = 'mmseg::segformer/segformer_mit-b0_8xb2-160k_ade20k-512x512.py'
    settings = load_settings(SETTINGS, {'stages.segmentation': stock, **CHANGED})
    cfg = settings.stage_config('segmentation', tmp_path)
    assert cfg.model.decode_head.num_classes == 4
    train, test = cfg.train_dataloader.dataset, cfg.test_dataloader.dataset
    assert train.type == test.type == 'PseudoLabelDataset'
    # As in the stock config, but for the class 0 that ADE20K leaves out.
    steps = load_config(stock).train_dataloader.dataset.pipeline
    assert steps[1].pop('reduce_zero_label') is True
    assert train.pipeline == steps
    assert not any('reduce_zero_label' in step for step in test.pipeline)
    assert (train.ann_file, test.ann_file) == ('lists/train.txt', 'lists/eval.txt')
    assert test.data_prefix == dict(img_path='photos', seg_map_path='eval_masks')
    assert cfg.randomness.seed == 7


@pytest.mark.parametrize('suffix', [None, ''])
def test_images_of_any_ending_reach_every_stage(suffix: str | None, tmp_path: Path) -> None:
    """`image_suffix=` on the command line; VOC's stock data set has one of its own."""
    settings = load_settings(SETTINGS, {'image_suffix': suffix})
    for stage in settings['stages']:
        cfg = settings.stage_config(stage, tmp_path)
        assert cfg.train_dataloader.dataset.img_suffix is None
        assert cfg.test_dataloader.dataset.img_suffix is None
    voc = ROOT / 'configs' / 'voc12' / 'settings_voc12.py'
    cfg = load_settings(voc, {'image_suffix': suffix}).stage_config('segmentation', tmp_path)
    assert cfg.test_dataloader.dataset.get('img_suffix', '.jpg') in ('.jpg', None)


def test_options_of_a_stage_come_last(tmp_path: Path) -> None:
    settings = load_settings(SETTINGS, {'seed': 7, 'refinement.randomness.seed': 8})
    assert settings.stage_config('refinement', tmp_path).randomness.seed == 8
    assert settings.stage_config('segmentation', tmp_path).randomness.seed == 7


def test_settings_without_a_key_leave_the_config_alone() -> None:
    cfg = load_config(SETTINGS.with_name('segmentation_custom.py'))
    before = cfg.to_dict()
    apply_settings(cfg, {})
    assert cfg.to_dict() == before


def test_key_that_reaches_no_stage_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / 'own.py'
    path.write_text(f"_base_ = '{SETTINGS}'\nnum_worker = 3\n_helper = 4\n")
    with pytest.raises(InputError, match=r"`num_worker` reaches no stage.*mean 'num_workers'"):
        load_settings(path).check_keys()
    path.write_text(f"_base_ = '{SETTINGS}'\n_helper = 4\n")
    load_settings(path).check_keys()


@pytest.mark.parametrize('text', ['seed = = 3', 'seed = (3', 'seed = sead', 'seed = 1 / 0'])
def test_wrong_python_is_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / 'own.py'
    path.write_text(f"_base_ = '{SETTINGS}'\n{text}\n")
    with pytest.raises(InputError, match=r'own\.py.*line 2') as caught:
        load_settings(path)
    assert '\n' not in str(caught.value)


def test_keys_of_a_stage_that_another_config_has_replaced() -> None:
    """The file may keep them; an option without effect is an error."""
    stock = {'stages.segmentation': 'mmseg::bisenetv2/' + BISENET}
    load_settings(SETTINGS, stock).check_keys()
    with pytest.raises(InputError, match='`segmentation_epochs` reaches no stage'):
        load_settings(SETTINGS, {**stock, 'segmentation_epochs': 3}).check_keys()


@pytest.mark.parametrize('base', [str(SETTINGS), 'mmdrs::custom/settings_custom.py'])
def test_settings_may_be_anywhere(base: str, tmp_path: Path) -> None:
    path = tmp_path / 'own' / 'settings.py'
    path.parent.mkdir()
    (path.parent / 'mine.py').write_text("_base_ = 'mmdrs::custom/segmentation_custom.py'\n")
    path.write_text(f"_base_ = '{base}'\nseed = 9\nstages = dict(segmentation='mine.py')\n")
    runs = stage_runs(load_settings(path), tmp_path / 'work')
    assert runs['segmentation'].config().filename == str(path.parent / 'mine.py')
    for run in runs.values():
        assert run.config().randomness.seed == 9


def test_losses_and_hooks_of_the_segmentation_alone(tmp_path: Path) -> None:
    """Without hooks its config is that of before there was a setting: fingerprints stay."""
    hook = dict(type='LabelCorrectionHook')
    options = {
        'segmentation_head.loss_decode.type': 'LabelCorrectionLoss',
        'segmentation_custom_hooks': [hook],
    }
    settings = load_settings(SETTINGS, options)
    settings.check_keys()
    for stage in settings['stages']:
        cfg = settings.stage_config(stage, tmp_path)
        own = stage == 'segmentation'
        assert (hook in (cfg.get('custom_hooks') or [])) == own
        assert (
            cfg.model.decode_head.get('loss_decode') == dict(type='LabelCorrectionLoss')
        ) == own
    assert load_settings(SETTINGS).stage_config('segmentation', tmp_path)['custom_hooks'] is None


def test_tools_apply_settings_to_any_config(tmp_path: Path) -> None:
    (tmp_path / 'settings.py').write_text("data_root = 'elsewhere'\nseed = 4\n")
    cfg = load_config(
        'mmdrs::drs/cam_vgg16_2xb5-15e_voc12-320x320.py', settings=str(tmp_path / 'settings.py')
    )
    assert cfg.train_dataloader.dataset.data_root == 'elsewhere'
    assert cfg.randomness.seed == 4


def test_record_says_what_ran(finished: Path) -> None:
    """Every record of a run holds the seed that its config had."""
    records = list(finished.glob('*/results/*.json'))
    assert len(records) > 6
    for path in records:
        assert json.loads(path.read_text())['seed'] == 3, path
    for stage in ('plain_classifier', 'drs_classifier', 'refinement', 'segmentation'):
        (dumped,) = (finished / stage).glob('*.py')
        assert Config.fromfile(dumped).randomness.seed == 3


def test_settings_from_another_folder_run_as_a_command(tmp_path: Path) -> None:
    """As a user would: from an empty folder, a settings file of two lines."""
    (tmp_path / 'settings.py').write_text(
        "_base_ = 'mmdrs::custom/settings_custom.py'\ndata_root = 'nowhere'\n"
    )
    run = subprocess.run(
        [sys.executable, str(ROOT / 'tools' / 'pipeline.py'), 'settings.py'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.startswith('error: train_list: nowhere/train_cls.txt: no such list of')
