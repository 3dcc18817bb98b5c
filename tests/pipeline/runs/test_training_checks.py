"""A wrong option of any training is refused before the first stage starts."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import DictAction

from mmdrs import apis
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import stage_runs
from tests.pipeline_runs import ROOT, SETTINGS, load_tool, tiny_options

RECIPES = ('custom/settings_custom', 'shapes/settings_shapes')
RECIPES += ('voc12/settings_voc12', 'voc12/settings_voc12-released')
RECIPES += ('voc12-animals/settings_voc12-animals',)


@pytest.fixture(scope='module')
def tool():
    return load_tool('pipeline')


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('drs.delta=1.5', r'stage drs_classifier: .*delta must be in \(0, 1\]'),
        ('refinement.model.backbone.typ=a', "stage refinement: .*'typ'"),
        ('segmentation_head.channel=9', "stage segmentation: .*'channel'"),
        ('segmentation.optim_wrapper.optimizer.lrr=1', "stage segmentation: .*'lrr'"),
        ('segmentation.param_scheduler.0.powr=1', "stage segmentation: .*'powr'"),
        ('refinement_schedule.0.type=Poly', "stage refinement: there is no 'Poly' among"),
        ('color_jitter.hue=2', 'stage plain_classifier: .*hue'),
        ('segmentation.train_cfg.max_epoch=1', "stage segmentation: .*'max_epoch'"),
        ('segmentation.train_cfg.type=Loop', "stage segmentation: there is no 'Loop' among"),
        ('refinement.default_hooks.logger.intervl=1', "stage refinement: .*'intervl'"),
        ('refinement.default_hooks.logger.type=Hook1', "stage refinement: there is no 'Hook1'"),
        ('segmentation.train_dataloader.pin_memry=1', "stage segmentation: .*'pin_memry'"),
        ('segmentation_head.in_channels=9', 'stage segmentation: a batch of random images fails'),
        (
            'segmentation_head.loss_decode.type=CrossEntropyLoss '
            'segmentation_head.loss_decode.class_weight=[1,2]',
            'stage segmentation: a batch of random images fails: weight tensor',
        ),
        ('segmentation_crop=[20,30]', 'stage segmentation: '),
        (
            'batch_size=7',
            'stage plain_classifier: the list .* has 6 images .* batch_size=6 or less',
        ),
        (
            'backbone.init_cfg.type=Pretrained backbone.init_cfg.checkpoint=gone.pth',
            "stage plain_classifier: .*init_cfg.checkpoint: checkpoint 'gone.pth' does not exist",
        ),
        (
            'refinement.default_hooks.drs.type=DRSScheduleHook '
            'refinement.default_hooks.drs.warmup_iters=-1',
            'stage refinement: .*warmup_iters',
        ),
    ],
)
def test_wrong_option_is_refused(option, message, tool, tmp_path, tiny_voc) -> None:
    options = ['--cfg-options', *tiny_options(tiny_voc), *option.split()]
    with pytest.raises(SystemExit, match=rf'(?s)^error: {message}'):
        tool.main([str(SETTINGS), '--work-dir', str(tmp_path / 'work'), *options])
    assert [path.name for path in (tmp_path / 'work').iterdir()] == ['settings.py']


@pytest.mark.parametrize(
    'option',
    ['batch_size=1', 'batch_size=5 segmentation.train_dataloader.drop_last=False'],
)
def test_a_batch_of_one_image(option: str, tool, tmp_path: Path, tiny_voc: Path) -> None:
    """Of six, the last batch of five leaves one: its pooled features are one value a channel."""
    options = [
        item for item in tiny_options(tiny_voc) if 'segmentation_head.num_convs' not in item
    ]
    options += ['segmentation_head.type=ASPPHead', 'segmentation_head.dilations=[1,2]']
    options += ['segmentation_head.norm_cfg.type=BN', *option.split()]
    with pytest.raises(SystemExit, match='stage segmentation: .*: give batch_size=2 or more'):
        tool.main([str(SETTINGS), '--work-dir', str(tmp_path), '--cfg-options', *options])


@pytest.mark.parametrize(
    'option',
    [
        'segmentation_head.loss_decode.class_weight=[1,2,1,0.5]',
        'segmentation_head.sampler.type=OHEMPixelSampler',
        'segmentation_head.loss_decode.type=DiceLoss',
        'segmentation.train_dataloader.persistent_workers=True',
        'segmentation.train_dataloader.prefetch_factor=4',
        'segmentation.train_dataloader.pin_memory=True',
    ],
)
def test_stock_options_of_heads_losses_and_loaders(option: str, tmp_path, tiny_voc) -> None:
    """They reach the training, and it runs; the tiny settings have no worker processes."""
    given = [item.split('=', 1) for item in [*tiny_options(tiny_voc), option]]
    options = {key: _value(text) for key, text in given}
    if 'loss_decode.class' in option:
        options['segmentation_head.loss_decode.type'] = 'CrossEntropyLoss'
    run = stage_runs(load_settings(SETTINGS, options), tmp_path)['segmentation']
    key, value = option.removeprefix('segmentation').split('=', 1)
    run.check()
    head = run.config().model.decode_head if key.startswith('_head') else None
    found = (head or run.config()).to_dict()
    for name in key.removeprefix('_head').removeprefix('.').split('.'):
        found = found[name]
    assert found == _value(value)
    labels = tiny_voc / 'SegmentationClass'  # with ignored pixels
    cfg = run.config()
    cfg.train_dataloader.dataset.data_prefix['seg_map_path'] = str(labels)
    apis.train_model(cfg)


def _value(text: str) -> Any:
    return DictAction._parse_iterable(text)


def test_stages_that_are_not_chosen_are_not_checked(tool, tmp_path, tiny_voc) -> None:
    options = ['--cfg-options', *tiny_options(tiny_voc), 'segmentation_head.channel=9']
    options += ['classifier_epochs=1']
    tool.main([str(SETTINGS), '--work-dir', str(tmp_path), '--to', 'plain_classifier', *options])
    assert (tmp_path / 'plain_classifier' / 'epoch_1.pth').is_file()


@pytest.mark.parametrize('name', RECIPES)
def test_shipped_recipes_pass_quietly(name: str, tmp_path: Path, capfd) -> None:
    settings = load_settings(ROOT / 'configs' / f'{name}.py')
    runs = [r for r in stage_runs(settings, tmp_path).values() if r.stage.kind == 'train']
    assert len(runs) == (5 if 'shapes' in name else 4)
    capfd.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        for run in runs:
            run.check()
    assert capfd.readouterr() == ('', '')
    assert list(tmp_path.iterdir()) == []
