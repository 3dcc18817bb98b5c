"""The own-data template made small enough for tests."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from mmdrs.cli.options import parse_value
from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.pipeline.settings import Settings, load_settings

ROOT = Path(__file__).parents[1]
SETTINGS = ROOT / 'configs' / 'custom' / 'settings_custom.py'
#: The stages of the template, in order.
STAGES = ['plain_classifier', 'plain_maps', 'drs_classifier', 'drs_maps', 'map_choice']
STAGES += ['refinement', 'refined_maps', 'pseudo_labels', 'segmentation', 'evaluation']


def load_tool(name: str) -> ModuleType:
    """Import a script of `tools/` by its path; modules beside it are found, as when it is run."""
    path = ROOT / 'tools' / f'{name}.py'
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def records(work_dir: Path) -> dict[tuple[str, str, str, str], float]:
    """Scores by stage, task, metric and split."""
    return {
        (found.stage, found.task, score.metric, found.split): score.value
        for found in read_evaluations(work_dir / 'results.json')
        for score in found.scores
    }


def generation(work_dir: Path, stage: str) -> Path:
    """The one older generation of a stage."""
    (found,) = work_dir.glob(f'{stage}.????????')
    return found


def made(work_dir: Path) -> dict[str, int]:
    """Modification times of everything the stages made."""
    suffixes = ('.pth', '.npz', '.png')
    return {
        str(path.relative_to(work_dir)): path.stat().st_mtime_ns
        for path in work_dir.rglob('*')
        if path.suffix in suffixes and path.name != 'overview.png'
    }


def tiny_options(data_root: Path) -> list[str]:
    """The command-line options that make the own-data template small."""
    return [
        f'data_root={data_root}',
        'classes=[background,disc,bar,cross]',
        'train_list=ImageSets/Segmentation/train_cls.txt',
        'val_list=ImageSets/Segmentation/val_cls.txt',
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
        'map_batch_size=4',
        'num_workers=0',
        'seed=3',
        'pseudo_labels.threshold=0.2',
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


def tiny_foreground() -> tuple[str, ...]:
    """Options of a run without saliency maps, beside :func:`tiny_options`: a small network."""
    return (
        'saliency_dir=None',
        'stages.foreground=mmdrs::custom/foreground_custom.py',
        'foreground_backbone._delete_=True',
        'foreground_head.in_channels=[8]',
        'foreground_head.in_index=[0]',
        'foreground_head.channels=6',
        'foreground_head.sure_foreground=0.5',
        'foreground_head.sure_background=0.4',
        'pseudo_labels.threshold=0.0',
        'foreground_epochs=4',
        'foreground_optimizer.lr=0.05',
        'pseudo_labels.background_cue.threshold=128',
        'pseudo_labels.background_cue.refined=True',
        'pseudo_labels.refine.type=PAR',
        'pseudo_labels.refine.iterations=2',
        'pseudo_labels.refine.downscale=2',
    )


def foreground_settings(data_root: Path, *options: str) -> Settings:
    """The settings of a small run without saliency maps."""
    given = [*tiny_options(data_root), *tiny_foreground(), *options]
    pairs = (item.split('=', 1) for item in given)
    return load_settings(SETTINGS, {key: parse_value(value) for key, value in pairs})
