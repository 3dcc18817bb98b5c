"""The images of one list and the files that the stages have made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS

from mmdrs.errors import InputError
from mmdrs.reporting.report.work_dir import WorkDir

#: The stages that make maps, with the words for them.
MAP_STAGES = {'plain_maps': 'plain maps', 'drs_maps': 'DRS maps', 'refined_maps': 'refined maps'}
#: The stages whose labels are compared with masks, with the words for them.
LABEL_STAGES = {'pseudo_labels': 'pseudo labels', 'evaluation': 'prediction'}


@dataclass(frozen=True)
class Sample:
    """One image.

    Attributes:
        id: Its id in the list.
        image: Its file.
        mask: Its ground truth; None without.
        saliency: Its saliency map; None without.
        classes: Foreground classes of its image-level labels, counted from 0; None where the list
            has no labels.
        files: What each stage made of it, by the stage's name.
    """

    id: str
    image: Path
    mask: Path | None
    saliency: Path | None
    classes: tuple[int, ...] | None
    files: dict[str, Path]


@dataclass(frozen=True)
class Split:
    """The images of one list.

    Attributes:
        name: ``train`` or ``val``.
        classes: Their names, background first.
        palette: Red, green and blue of each class.
        samples: The images; each has the files of the same stages.
        left_out: Name and reason of each stage without files for this list.
    """

    name: str
    classes: tuple[str, ...]
    palette: list[list[int]]
    samples: list[Sample]
    left_out: list[tuple[str, str]]

    def made_by(self, stages: Sequence[str]) -> list[str]:
        """Those of the stages that have made files of these images."""
        return [name for name in stages if self.samples and name in self.samples[0].files]

    @property
    def has_masks(self) -> bool:
        """Whether there is ground truth."""
        return bool(self.samples) and all(sample.mask for sample in self.samples)


def read_split(work_dir: WorkDir, name: str | None, data_root: str | Path | None = None) -> Split:
    """List the images of a work directory.

    Args:
        work_dir: The work directory.
        name: ``train`` or ``val``; None is ``val`` where the settings have such a list.
        data_root: Where the data are now; None: where the settings say.

    Raises:
        InputError: If there is no such list, or its files are not there.
    """
    name = name or ('val' if work_dir.settings.get('val_list') else 'train')
    config = dict(_dataset_config(work_dir, name), pipeline=[])
    if data_root is not None:
        config['data_root'] = str(data_root)
    root = Path(config.get('data_root') or '')
    if not root.is_dir():
        raise InputError(
            f"the data of {work_dir.path} are in '{root}', which is not there: run this where the "
            'pipeline ran, or give --data-root'
        )
    with DefaultScope.overwrite_default_scope('mmseg'):
        dataset = DATASETS.build(config)
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    ids = [info.get('img_id') or Path(info['img_path']).stem for info in infos]
    files = {
        stage: [_made_file(work_dir.path, stage, name, id_) for id_ in ids]
        for stage in work_dir.stages
        if stage in MAP_STAGES
        or stage == 'pseudo_labels'
        or (stage, name) == ('evaluation', 'val')
    }
    left_out = []
    for stage in list(files):
        missing = sum(not path.is_file() for path in files[stage])
        if missing:
            count = 'none' if missing == len(ids) else f'only {len(ids) - missing}'
            left_out.append((stage, f'{count} of the {len(ids)} {name} images have its files'))
            del files[stage]
    samples = [
        _sample(info, id_, {stage: paths[index] for stage, paths in files.items()})
        for index, (info, id_) in enumerate(zip(infos, ids, strict=True))
    ]
    meta = dataset.metainfo
    return Split(name, tuple(meta['classes']), meta['palette'], samples, left_out)


def _dataset_config(work_dir: WorkDir, name: str) -> dict[str, Any]:
    """The data set whose images the maps were made of; else the one that was predicted."""
    settings = work_dir.settings
    lists = dict(train=settings.get('train_list'), val=settings.get('val_list'))
    config = work_dir.dumped_config(list(MAP_STAGES))
    if config is not None and lists[name]:
        dataset = _plain(config, work_dir.path)
        return dict(dataset, ann_file=lists[name], check_sizes=False)
    config = work_dir.dumped_config(['evaluation']) if name == 'val' else None
    if config is not None and config.get('test_dataloader'):
        return _plain(config, work_dir.path)
    if not lists[name]:
        raise InputError(f'{work_dir.path} has no list of {name} images to report')
    raise InputError(f'{work_dir.path}: no stage that makes maps has finished yet')


def _plain(config: Config, path: Path) -> dict[str, Any]:
    dataset = config.test_dataloader.dataset.to_dict()
    if 'ann_file' not in dataset:
        raise InputError(
            f'{path}: its test_dataloader is a {dataset["type"]}; the report needs one list'
        )
    return dataset


def _made_file(work_dir: Path, stage: str, split: str, id_: str) -> Path:
    if stage == 'evaluation':  # MMSegmentation's metric names the file after the image's file
        return work_dir / stage / 'predictions' / f'{Path(id_).name}.png'
    suffix = '.npz' if stage in MAP_STAGES else '.png'
    return work_dir / stage / split / f'{id_}{suffix}'


def _sample(info: dict[str, Any], id_: str, files: dict[str, Path]) -> Sample:
    mask, saliency = (
        Path(info[key]) if info.get(key) else None for key in ('seg_map_path', 'saliency_path')
    )
    classes = None
    if info.get('img_label') is not None:
        classes = tuple(int(index) for index in np.flatnonzero(info['img_label']))
    return Sample(id_, Path(info['img_path']), mask, saliency, classes, files)
