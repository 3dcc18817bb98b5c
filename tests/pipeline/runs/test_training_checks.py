"""A wrong option of any training is refused before the first stage starts."""

import warnings
from pathlib import Path

import pytest

from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import stage_runs
from tests.pipeline_runs import ROOT, SETTINGS, load_tool, tiny_options

RECIPES = ('custom/settings_custom', 'shapes/settings_shapes')
RECIPES += ('voc12/settings_voc12', 'voc12/settings_voc12-released')


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
