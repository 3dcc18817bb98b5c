"""Every config of the project is found, read, and its model built."""

from pathlib import Path

import pytest
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, METRICS, MODELS

from mmdrs.apis import load_config
from mmdrs.pipeline import LabelRules, load_settings
from mmdrs.pipeline.stages import ALL_STAGES

CONFIGS = Path(__file__).parents[1] / 'configs'
SETTINGS = sorted(CONFIGS.rglob('settings_*.py'))
STAGES = sorted(
    path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts and path not in SETTINGS
)


@pytest.fixture(autouse=True)
def _scope() -> None:
    init_default_scope('mmseg')


def test_there_are_configs_with_unique_names() -> None:
    assert {path.parent.name for path in STAGES} >= {'custom', 'drs', 'refine', 'deeplab'}
    assert {path.parent.name for path in SETTINGS} == {'custom', 'shapes', 'voc12'}
    names = [path.name for path in (*STAGES, *SETTINGS)]
    assert len(set(names)) == len(names)  # mim finds a config by its name


@pytest.mark.parametrize('path', STAGES, ids=lambda path: path.stem)
def test_stage_config_is_built(path: Path) -> None:
    build_all(load_config(str(path)))


@pytest.mark.parametrize('path', SETTINGS, ids=lambda path: path.stem)
def test_every_stage_of_every_settings_file_is_built(path: Path, tmp_path: Path) -> None:
    settings = load_settings(path)
    known = {stage.config for stage in ALL_STAGES}
    needed = known - {'pretraining'}
    assert needed <= set(settings['stages']) <= known
    assert LabelRules.from_config(settings['pseudo_labels']).threshold == 0.2
    for stage in settings['stages']:
        build_all(settings.stage_config(stage, {}, tmp_path))


def build_all(cfg: Config) -> None:
    """Build what a config describes, as far as that needs no data and no weights."""
    model = MODELS.build(cfg.model)
    classes = model.decode_head.num_classes
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    trained = {id(p) for group in wrapper.param_groups for p in group['params']}
    assert trained >= {id(p) for p in model.parameters() if p.requires_grad}
    for key in ('train_dataloader', 'test_dataloader'):
        dataset = dict(cfg[key].dataset, lazy_init=True)
        if dataset['type'] == 'PascalVOCDataset':
            continue  # a stock config's; it looks for its files at once
        built = DATASETS.build(dataset)
        assert len(built.metainfo['classes']) == classes
        assert len(built.pipeline.transforms) > 2
    METRICS.build(cfg.test_evaluator)
    Compose(cfg.tta_pipeline)
    MODELS.build(dict(cfg.tta_model, module=model))


def test_voc_recipe_of_the_reference() -> None:
    """Learning rates of the released groups, schedule, batch, sizes: sections 3 to 5."""
    cfg = load_config(str(CONFIGS / 'drs' / 'drs-learnable_vgg16_2xb5-15e_voc12-320x320.py'))
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, ConfigDict(cfg.optim_wrapper))
    rates = {id(g['params'][0]): g['lr'] / 1e-3 for g in wrapper.param_groups}
    for name, parameter in model.named_parameters():
        new = not name.startswith('backbone.features')
        expected = (10 if new else 1) * (2 if name.endswith('bias') else 1)
        assert rates[id(parameter)] == pytest.approx(expected), name
    assert {g['weight_decay'] for g in wrapper.param_groups} == {5e-4}
    assert all(g['nesterov'] and g['momentum'] == 0.9 for g in wrapper.param_groups)
    assert cfg.train_cfg.max_epochs == 15 and cfg.param_scheduler[0].milestones == [4, 9]
    assert cfg.train_dataloader.batch_size == 5
    assert tuple(cfg.tta_model.scales) == (256, 320, 384)
    refine = load_config(str(CONFIGS / 'refine' / 'refine_vgg16_2xb5-30e_voc12-320x320.py'))
    assert refine.optim_wrapper.optimizer == dict(type='Adam', lr=1e-4)
    assert refine.param_scheduler[0].milestones == [10, 20] and refine.train_cfg.max_epochs == 30
