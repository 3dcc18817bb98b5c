"""A whole pipeline run on six tiny images, shared by the tests."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = ROOT / 'configs' / 'custom' / 'settings_custom.py'


def load_tool(name: str):
    """Import a script of `tools/` by its path."""
    spec = importlib.util.spec_from_file_location(name, ROOT / 'tools' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tiny_options(data_root: Path) -> list[str]:
    """The command-line options that make the own-data template small."""
    return [
        f'data_root={data_root}',
        'classes=[background,disc,bar,cross]',
        'train_list=ImageSets/Segmentation/train_cls.txt',
        'val_list=ImageSets/Segmentation/train_cls.txt',
        'backbone._delete_=True',
        'backbone.type=DilatedVGG',
        'backbone.depths=[1,1]',
        'backbone.channels=[4,6]',
        'backbone.strides=[2]',
        'backbone.extra_channels=[8]',
        'feature_channels=8',
        'drs_layers=default',
        'head_convs=1',
        'head_channels=8',
        'resize=36',
        'crop=32',
        'map_scales=[24,32]',
        'batch_size=2',
        'num_workers=0',
        'classifier_epochs=2',
        'refinement_epochs=1',
        'segmentation_backbone._delete_=True',
        'segmentation_head._delete_=True',
        'segmentation_head.type=FCNHead',
        'segmentation_head.in_channels=8',
        'segmentation_head.channels=8',
        'segmentation_head.num_convs=1',
        'segmentation_crop=32',
        'segmentation_scale=32',
        'segmentation_epochs=1',
    ]


@pytest.fixture(scope='session')
def run_pipeline() -> Callable[..., None]:
    """Run ``tools/pipeline.py`` in this process on a data root, into a work directory."""
    tool = load_tool('pipeline')

    def run(data_root: Path, work_dir: Path, *arguments: str, options: tuple = ()) -> None:
        tool.main(
            [
                str(SETTINGS),
                '--work-dir',
                str(work_dir),
                *arguments,
                '--cfg-options',
                *tiny_options(data_root),
                *options,
            ]
        )

    return run


@pytest.fixture(scope='session')
def finished(tmp_path_factory, tiny_voc, run_pipeline) -> Path:
    """Work directory of a pipeline that has run to its end. Tests must not change it."""
    work_dir = tmp_path_factory.mktemp('finished')
    run_pipeline(tiny_voc, work_dir)
    return work_dir
