"""Every config of the project is found, read, and its model built."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, METRICS, MODELS

from mmdrs.apis import load_config
from mmdrs.evaluation.records.protocol import dataset_name
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.stages import ALL_STAGES
from mmdrs.pseudo_labels.rules import LabelRules

CONFIGS = Path(__file__).parents[1] / 'configs'
SETTINGS = sorted(CONFIGS.rglob('settings_*.py'))
STAGES = sorted(
    path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts and path not in SETTINGS
)


@pytest.fixture(autouse=True)
def _scope() -> None:
    init_default_scope('mmseg')


def test_there_are_configs_with_unique_names() -> None:
    assert {path.parent.name for path in STAGES} >= {'custom', 'drs', 'refine', 'deeplab', 'mix'}
    assert {path.parent.name for path in SETTINGS} == {
        'custom',
        'shapes',
        'voc12',
        'voc12-animals',
    }
    names = [path.name for path in (*STAGES, *SETTINGS)]
    assert len(set(names)) == len(names)  # mim finds a config by its name


@pytest.mark.parametrize('path', STAGES, ids=lambda path: path.stem)
def test_stage_config_is_built(path: Path) -> None:
    if path.stem.endswith('_crf'):
        pytest.importorskip('pydensecrf')
    assert_builds(load_config(str(path)))


@pytest.mark.parametrize('path', SETTINGS, ids=lambda path: path.stem)
def test_every_stage_of_every_settings_file_is_built(path: Path, tmp_path: Path) -> None:
    settings = load_settings(path)
    known = {stage.config for stage in ALL_STAGES}
    needed = known - {'pretraining', 'foreground'}
    assert needed <= set(settings['stages']) <= known
    ours = path.parent.name in ('custom', 'voc12-animals')  # the others are the reference's
    rules = LabelRules.from_config(settings['pseudo_labels'])
    assert rules.threshold == (0.05 if ours else 0.2)
    for stage in settings['stages']:
        assert_builds(settings.stage_config(stage, tmp_path))


def assert_builds(cfg: Config) -> None:
    """Build what a config describes, as far as that needs no data and no weights; check it."""
    model = MODELS.build(cfg.model)
    classes = model.decode_head.num_classes
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    trained = {id(p) for group in wrapper.param_groups for p in group['params']}
    assert trained >= {id(p) for p in model.parameters() if p.requires_grad}
    for key in ('train_dataloader', 'test_dataloader'):
        dataset = dict(cfg[key].dataset, lazy_init=True)
        if 'PascalVOCDataset' in {dataset['type'], *(d.type for d in dataset.get('datasets', ()))}:
            continue  # a stock config's; it looks for its files at once
        built = DATASETS.build(dataset)
        assert len(built.metainfo['classes']) == classes
        assert len(built.pipeline.transforms) > 2
    evaluators = cfg.test_evaluator
    for evaluator in evaluators if isinstance(evaluators, list) else [evaluators]:
        METRICS.build(evaluator)
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
    assert cfg.train_dataloader.batch_size * 2 == 10 == cfg.auto_scale_lr.base_batch_size
    # Maps are multi-scale without --tta; with it they are the same.
    for loop in (cfg.test_cfg, cfg.tta_model):
        assert tuple(loop.scales) == (256, 320, 384) and tuple(loop.size) == (320, 320)
    assert cfg.test_cfg.type == 'LocalizationMapLoop'
    refine = load_config(str(CONFIGS / 'refine' / 'refine_vgg16_2xb5-30e_voc12-320x320.py'))
    for loop in (refine.test_cfg, refine.tta_model):  # refined maps have the size of the image
        assert tuple(loop.scales) == (256, 320, 384) and loop.size is None
    assert refine.optim_wrapper.optimizer == dict(type='Adam', lr=1e-4)
    assert refine.param_scheduler[0].milestones == [10, 20] and refine.train_cfg.max_epochs == 30


def parameter_rates(cfg: Config) -> dict[str, tuple[float, float]]:
    """Learning rate and weight decay of every trained parameter."""
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, ConfigDict(cfg.optim_wrapper))
    groups = {id(p): g for g in wrapper.param_groups for p in g['params']}
    return {
        name: (groups[id(p)]['lr'], groups[id(p)]['weight_decay'])
        for name, p in model.named_parameters()
        if p.requires_grad
    }


def deeplab(name: str) -> Config:
    return load_config(str(CONFIGS / 'deeplab' / f'{name}.py'))


def test_deeplabv2_recipe_of_the_reference() -> None:
    cfg = deeplab('deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321')
    rates = parameter_rates(cfg)
    assert not any('bn' in name for name in rates)  # frozen
    for name, found in rates.items():
        head, bias = name.startswith('decode_head'), name.endswith('bias')
        expected = (2.5e-4 * (20 if bias else 10 if head else 1), 0 if bias else 5e-4)
        assert found == pytest.approx(expected), name
    # 20,000 optimizer steps of 5 x 2 images; the rate changes every 10 of them.
    assert cfg.optim_wrapper.accumulative_counts == 2 and cfg.train_dataloader.batch_size == 5
    assert cfg.train_cfg.max_iters == 40000 == cfg.param_scheduler[0].end
    assert cfg.param_scheduler[0].interval == 20 and cfg.param_scheduler[0].power == 0.9
    scale = next(t for t in cfg.train_pipeline if t.type == 'RandomScale')
    assert tuple(scale.factors) == (0.5, 0.75, 1.0, 1.25, 1.5) and cfg.crop_size == (321, 321)
    assert cfg.model.decode_head.self_training == 'exclude'
    assert [t.type for t in cfg.test_pipeline] == [
        'LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs',
    ]  # fmt: skip


def test_deeplabv3plus_recipe_of_the_reference() -> None:
    cfg = deeplab('deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513')
    for name, found in parameter_rates(cfg).items():
        expected = (0.005 if name.startswith('backbone') else 0.05, 1e-4)
        assert found == pytest.approx(expected), name
    assert cfg.train_dataloader.batch_size * 2 == 32 == cfg.auto_scale_lr.base_batch_size
    assert cfg.train_cfg.max_iters == 20000
    assert cfg.param_scheduler[0].power == 0.9 and tuple(cfg.crop_size) == (513, 513)


def test_released_flavours_differ_where_the_reference_says() -> None:
    masks = 'ImageSets/Segmentation/train_aug_cls.txt'
    boxes = 'ImageSets/Segmentation/train_aug_cls_xml.txt'
    classifier = CONFIGS / 'drs' / 'drs-learnable_vgg16_2xb5-15e_voc12-320x320.py'
    released = load_config(str(classifier.with_stem(classifier.stem + '_released')))
    assert load_config(str(classifier)).train_dataloader.dataset.ann_file == boxes
    assert released.train_dataloader.dataset.ann_file == masks
    # Chosen on the labels of VOC train (1,464), fused with saliency, all at 320 x 320.
    assert released.default_hooks.checkpoint.save_best == 'mIoU'
    assert released.val_evaluator.type == 'PseudoLabelMetric'
    assert released.val_dataloader.dataset.ann_file == 'ImageSets/Segmentation/train_cls.txt'

    v3plus = deeplab('deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513_released')
    assert v3plus.train_cfg.val_interval == 100
    assert v3plus.default_hooks.checkpoint.save_best == 'mIoU'
    v2 = deeplab('deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321_released')
    assert v2.model.decode_head.self_training == 'released'
    assert v2.train_dataloader.dataset.ann_file == masks


def test_centre_crop_of_the_released_evaluation() -> None:
    """Image and mask: short side 513 by the nearest pixel (masks), then the centre."""
    cfg = deeplab('deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513_released')
    mask = np.zeros((100, 200), np.uint8)
    mask[:, 100:] = 1
    results = dict(
        img=np.repeat(mask[..., None] * 200, 3, axis=2),
        gt_seg_map=mask,
        seg_fields=['gt_seg_map'],
        img_shape=mask.shape,
        ori_shape=mask.shape,
    )
    transforms = [t for t in cfg.test_pipeline if not t.type.startswith('Load')]
    packed = Compose(transforms)(results)['data_samples']
    label = packed.gt_sem_seg.data[0].numpy()
    assert label.shape == (513, 513) == tuple(packed.ori_shape)
    assert label[:, :255].max() == 0 and label[:, 258:].min() == 1


@pytest.mark.parametrize('method', ['deeplabv3plus', 'pspnet'])
def test_weights_of_a_stock_segmentor_reach_the_backbone_with_drs(method: str) -> None:
    (path,) = (CONFIGS / 'mix').glob(f'{method}_*.py')
    backbone = MODELS.build(load_config(str(path)).model).backbone
    assert set(backbone.drs) == {'layer3', 'layer4'}
    assert backbone.init_cfg == dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c')


def test_ceiling_of_the_animals_is_their_segmentation_stage_with_true_masks(
    tmp_path: Path,
) -> None:
    """It takes the settings of its folder where none are given."""
    folder = CONFIGS / 'voc12-animals'
    path, given = folder / 'supervised_voc12-animals.py', folder / 'settings_voc12-animals.py'
    cfg = load_config(path, work_dir=str(tmp_path)).to_dict()
    assert cfg == load_config(path, work_dir=str(tmp_path), settings=given).to_dict()
    train, test = (cfg[f'{role}_dataloader']['dataset'] for role in ('train', 'test'))
    assert train['ann_file'] == 'ImageSets/Segmentation/train_aug_animals_1000_cls.txt'
    assert test['ann_file'] == 'ImageSets/Segmentation/val_animals_cls.txt'
    for dataset in (train, test):
        assert dataset['data_prefix']['seg_map_path'] == 'SegmentationClass_animals'
        assert dataset_name(dataset) == 'VOC 2012, animals part'
    stage = load_settings(given).stage_config('segmentation', tmp_path).to_dict()
    stage['train_dataloader']['dataset']['data_prefix']['seg_map_path'] = train['data_prefix'][
        'seg_map_path'
    ]
    assert cfg == stage
