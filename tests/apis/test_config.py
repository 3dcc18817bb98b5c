"""Options of the command-line tools."""

from pathlib import Path

import pytest
from mmengine.config import Config

from mmdrs.apis import (
    InputError,
    apply_amp,
    apply_output,
    apply_show,
    apply_tta,
    config,
    load_config,
)

TINY = Path(__file__).parents[1] / 'data' / 'configs' / 'tiny_fcn.py'


@pytest.fixture
def cfg() -> Config:
    return load_config(TINY)


def test_work_dir_priority(tmp_path: Path) -> None:
    path = tmp_path / 'with_work_dir.py'
    path.write_text("work_dir = 'from_file'\n")
    assert load_config(path, work_dir='given').work_dir == 'given'
    assert load_config(path).work_dir == 'from_file'
    assert load_config(path, {'work_dir': 'from_options'}).work_dir == 'from_options'
    assert load_config(TINY).work_dir == './work_dirs/tiny_fcn'


def test_options_are_merged() -> None:
    options = {
        'train_cfg.max_iters': 7,
        'train_pipeline.0.type': 'LoadImageFromNDArray',
        'randomness.seed': 3,
        'load_from': 'a.pth',
    }
    cfg = load_config(str(TINY), options, launcher='pytorch')
    assert cfg.train_cfg == {'type': 'IterBasedTrainLoop', 'max_iters': 7, 'val_interval': 2}
    assert cfg.train_pipeline[0].type == 'LoadImageFromNDArray'
    assert (cfg.randomness.seed, cfg.load_from, cfg.launcher) == (3, 'a.pth', 'pytorch')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'train_cfgg.max_iters': 3}, r"no 'train_cfgg'; did you mean 'train_cfg'"),
        ({'loadfrom': 'a.pth'}, r"no 'loadfrom'; did you mean 'load_from'"),
        ({'zzz': 1}, r"no 'zzz'$"),
        ({'train_pipeline.99.type': 'A'}, 'cannot be applied: Index 99'),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_config(TINY, options)


def test_missing_config_lists_close_names() -> None:
    with pytest.raises(FileNotFoundError, match=r"tinyfcn\.py' .*did you mean 'tiny_fcn\.py'\?"):
        load_config(TINY.with_name('tinyfcn.py'))
    with pytest.raises(InputError, match=r"nor does the folder '.*nowhere'"):
        load_config(TINY.parent / 'nowhere' / 'a.py')


def test_amp(cfg: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, 'get_device', lambda: 'cuda')
    apply_amp(cfg)
    expected = {'type': 'AmpOptimWrapper', 'loss_scale': 'dynamic', 'optimizer': dict(type='SGD')}
    cfg.optim_wrapper.optimizer = dict(type='SGD')
    assert cfg.optim_wrapper == expected
    apply_amp(cfg)
    assert cfg.optim_wrapper == expected
    cfg.optim_wrapper.type = 'ApexOptimWrapper'
    with pytest.raises(InputError, match="it is 'ApexOptimWrapper'"):
        apply_amp(cfg)


def test_amp_needs_a_gpu(cfg: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, 'get_device', lambda: 'cpu')
    with pytest.raises(InputError, match="--amp needs a GPU.*'cpu'"):
        apply_amp(cfg)


def test_tta(cfg: Config) -> None:
    model = cfg.model.to_dict()
    apply_tta(cfg)
    assert (cfg.model.type, cfg.model.module.to_dict()) == ('SegTTAModel', model)
    assert [step.type for step in cfg.test_dataloader.dataset.pipeline] == [
        'LoadImageFromFile',
        'TestTimeAug',
    ]
    once = cfg.to_dict()
    apply_tta(cfg)  # not wrapped twice
    assert cfg.to_dict() == once
    assert 'module' not in cfg.tta_model


def test_tta_within_dataset_wrappers(cfg: Config) -> None:
    leaf = cfg.test_dataloader.dataset
    wrapped = dict(type='RepeatDataset', times=2, dataset=leaf.copy())
    cfg.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[leaf.copy(), wrapped])
    apply_tta(cfg)
    first, second = cfg.test_dataloader.dataset.datasets
    assert first.pipeline[1].type == second.dataset.pipeline[1].type == 'TestTimeAug'


def test_tta_needs_its_settings(cfg: Config) -> None:
    cfg.tta_model = None
    with pytest.raises(InputError, match=r"tiny_fcn\.py' has no tta_model"):
        apply_tta(cfg)


def test_output(cfg: Config, tmp_path: Path) -> None:
    out = str(tmp_path / 'a' / 'out')
    apply_output(cfg, out)
    assert cfg.test_evaluator.output_dir == out and 'keep_results' not in cfg.test_evaluator
    assert Path(out).is_dir()
    for kind in ('SegmentationMetric', 'CityscapesMetric'):  # as MMSegmentation's own tool
        cfg.test_evaluator = dict(type=kind)
        apply_output(cfg, out)
        assert cfg.test_evaluator == dict(type=kind, output_dir=out, keep_results=True)


def test_output_of_several_metrics(cfg: Config, tmp_path: Path) -> None:
    cfg.test_evaluator = [dict(type='DumpResults'), dict(type='IoUMetric')]
    apply_output(cfg, str(tmp_path))
    assert cfg.test_evaluator[0] == dict(type='DumpResults')
    assert cfg.test_evaluator[1].output_dir == str(tmp_path)
    cfg.test_evaluator = [dict(type='IoUMetric'), dict(type='CRFIoUMetric')]
    apply_output(cfg, str(tmp_path))  # files of one name, so another folder
    folders = [metric.output_dir for metric in cfg.test_evaluator]
    assert folders == [str(tmp_path), str(tmp_path / 'crf')]
    assert (tmp_path / 'crf').is_dir()
    cfg.test_evaluator = [dict(type='DumpResults')]
    with pytest.raises(InputError, match=r'\(DumpResults\) takes output_dir'):
        apply_output(cfg, str(tmp_path))


def test_show(cfg: Config) -> None:
    apply_show(cfg, show_dir='painted')
    hook = dict(type='SegVisualizationHook', draw=True, interval=1)
    assert cfg.default_hooks.visualization == hook
    assert cfg.visualizer.save_dir == 'painted'
    apply_show(cfg, show=True, wait_time=0.5)
    assert cfg.default_hooks.visualization == dict(hook, show=True, wait_time=0.5)
    del cfg.default_hooks['visualization']
    with pytest.raises(InputError, match='SegVisualizationHook'):
        apply_show(cfg, show=True)


def test_stored_config_of_a_run_leaves_that_run_alone(tmp_path: Path) -> None:
    """A config that MMEngine stored names the work directory that it is in."""
    stored = tmp_path / 'run' / 'net.py'
    stored.parent.mkdir()
    stored.write_text(f"work_dir = '{stored.parent}'\n")
    assert load_config(stored).work_dir == './work_dirs/net.rerun'
    assert load_config(stored, work_dir=str(stored.parent)).work_dir == str(stored.parent)
    assert load_config(stored, in_place=True).work_dir == str(stored.parent)  # train.py --resume


def test_a_config_may_name_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options and the environment go first; a stored config holds no such line any more."""
    folder = tmp_path / 'own'
    folder.mkdir()
    for number, name in enumerate(('near', 'given')):
        (folder / f'{name}.py').write_text(
            "_base_ = 'mmdrs::custom/settings_custom.py'\n"
            f"data_root, seed, segmentation_epochs = '{name}', {number + 5}, {number + 7}\n"
        )
    net = folder / 'net.py'
    net.write_text(
        "_base_ = 'mmdrs::custom/segmentation_custom.py'\ndefault_settings = 'near.py'\n"
    )

    def found(path: Path, settings: Path | None = None) -> tuple[str, int, int]:
        cfg = load_config(path, settings=settings)
        assert 'default_settings' not in cfg
        return cfg.train_dataloader.dataset.data_root, cfg.randomness.seed, cfg.epochs

    monkeypatch.chdir(tmp_path)
    assert found(net) == ('near', 5, 7)  # inherited from it, and applied
    assert found(net, folder / 'given.py') == ('given', 6, 8)
    load_config(net).dump(tmp_path / 'stored.py')
    assert found(tmp_path / 'stored.py') == ('near', 5, 7)
    monkeypatch.setenv('MMDRS_SETTINGS', str(folder / 'given.py'))
    assert found(net) == ('given', 6, 8)
    monkeypatch.delenv('MMDRS_SETTINGS')
    net.write_text(net.read_text().replace('near', 'nera'))
    with pytest.raises(InputError, match=r"nera\.py' does not exist; did you mean 'near\.py'"):
        load_config(net)


def test_options_that_are_settings_reach_the_config() -> None:
    """`seed=1` beside --settings used to change a name that nothing reads."""
    name, settings = 'mmdrs::custom/segmentation_custom.py', 'mmdrs::custom/settings_custom.py'
    options = {'seed': 7, 'data_root': 2012, 'train_dataloader.batch_size': 3}
    cfg = load_config(name, options, settings=settings)
    assert cfg.randomness['seed'] == 7
    assert cfg.train_dataloader.dataset.data_root == '2012'
    assert cfg.train_dataloader.batch_size == 3
    with pytest.raises(InputError, match="'segmentation_epochs': .* is a setting, from which"):
        load_config(name, {'segmentation_epochs': 3}, settings=settings)
    rules = {'pseudo_labels.threshold': 0.3}
    assert load_config(name, rules, settings=settings).pseudo_labels.threshold == 0.3


def test_packaged_names() -> None:
    name = 'mmdrs::drs/drs-d055_vgg16_2xb5-15e_voc12-320x320.py'
    assert load_config(name).model.backbone.type == 'DRSBackbone'
    with pytest.raises(InputError, match="did you mean 'mmdrs::drs/drs-d055"):
        load_config(name.replace('d055', 'd056'))


def test_module_that_cannot_be_imported(tmp_path: Path) -> None:
    path = tmp_path / 'settings.py'
    path.write_text("custom_imports = dict(imports=['no_such_parts'])\n")
    with pytest.raises(InputError, match="No module named 'no_such_parts' .* on PYTHONPATH"):
        load_config(path)
