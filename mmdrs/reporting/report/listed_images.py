"""The images of one list and the files that the stages have made of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from mmdrs.errors import InputError, naming
from mmdrs.pseudo_labels.output_paths import check_id, image_id, output_path
from mmdrs.reading import reading
from mmdrs.reporting.report.reported_run import ReportedRun

#: Rounds of self-training that are shown.
_ROUNDS = range(1, 6)
#: The stages that make maps, with the words for them.
MAP_STAGES = {
    **{'plain_maps': 'plain maps', 'drs_maps': 'DRS maps', 'refined_maps': 'refined maps'},
    **{f'self_maps_{number}': f'maps, round {number}' for number in _ROUNDS},
}
#: The stages whose labels are compared with masks, with the words for them.
LABEL_STAGES = {
    **{'pseudo_labels': 'pseudo labels', 'evaluation': 'prediction'},
    **{f'self_labels_{number}': f'labels, round {number}' for number in _ROUNDS},
    **{f'self_evaluation_{number}': f'prediction, round {number}' for number in _ROUNDS},
}


_TESTS = [name for name in LABEL_STAGES if 'evaluation' in name]
#: All of them; those of every run first.
SHOWN_STAGES = sorted((*MAP_STAGES, *LABEL_STAGES), key=lambda name: name.startswith('self_'))


class ListedImage(NamedTuple):
    """One image: its id and files; those of the stages by the stage's name.

    ``classes`` are the foreground classes of its image-level labels, counted from 0; None where
    the list has no labels. ``segments`` are the masks to merge into its label.
    """

    id: str
    image: Path
    mask: Path | None
    saliency: Path | None
    classes: tuple[int, ...] | None
    files: dict[str, Path]
    segments: Path | None = None


class ImageList(NamedTuple):
    """The images of one list.

    Attributes:
        name: ``train`` or ``val``.
        classes: Names of the classes, background first.
        palette: Red, green and blue of each class, 0..255.
        images: The images; each has the files of the same stages.
        left_out: Name and reason of each stage without files for this list.
    """

    name: str
    classes: tuple[str, ...]
    palette: list[tuple[int, int, int]]
    images: list[ListedImage]
    left_out: list[tuple[str, str]]

    def made_by(self, stages: Iterable[str]) -> list[str]:
        """Those of the stages that have made files of these images."""
        return [name for name in stages if self.images and name in self.images[0].files]

    @property
    def has_masks(self) -> bool:
        """Whether there is ground truth for all images."""
        return bool(self.images) and all(image.mask for image in self.images)


def list_images(
    run: ReportedRun, name: str | None, data_root: str | Path | None = None
) -> ImageList:
    """List the images of a run.

    Args:
        run: The run.
        name: ``train`` or ``val``; None is ``val`` where the run has such a list.
        data_root: Where the data are now; None: where the run had them.

    Raises:
        InputError: If there is no such list, or its files are not there.
    """
    configs = dict(run.datasets)
    if 'evaluation' in configs:
        configs.setdefault('val', configs['evaluation'])
    name = name or ('val' if 'val' in configs else 'train')
    if name not in configs:
        raise InputError(f'{run.path} has no list of {name} images to report')
    file = run.path / 'pipeline.json'
    with naming(file), reading(file, f'description of the {name} images'):
        dataset = _build_dataset(run.path, configs[name], data_root)
        infos = [dataset.get_data_info(index) for index in range(len(dataset))]
        ids = [check_id(image_id(info)) for info in infos]
    files, left_out = _made_files(run, name, ids)
    images = [
        _image(info, id_, {stage: paths[index] for stage, paths in files.items()})
        for index, (info, id_) in enumerate(zip(infos, ids, strict=True))
    ]
    classes = tuple(map(str, dataset.metainfo['classes']))
    palette = [
        (int(red), int(green), int(blue)) for red, green, blue in dataset.metainfo['palette']
    ]
    return ImageList(name, classes, palette, images, left_out)


def _build_dataset(
    path: Path, config: dict[str, Any], data_root: str | Path | None
) -> BaseSegDataset:
    """Build a data set from a description that may come from anywhere.

    The class is looked up here: the registry would import and call whatever a ``type`` names.
    """
    config = dict(config, pipeline=[])
    if data_root is not None:
        config['data_root'] = str(data_root)
    root = config.get('data_root') or ''
    if not Path(root).is_dir():
        raise InputError(
            f"the data of {path} are in '{root}', which is not there: run this where the pipeline "
            'ran, or give --data-root'
        )
    kind = config.pop('type', None)
    class_ = DATASETS.module_dict.get(kind) if isinstance(kind, str) else None
    if class_ is None or not issubclass(class_, BaseSegDataset):
        raise InputError(f'{path}: its data set is a {kind}; the report needs one list of images')
    return class_(**config)


def _made_files(
    run: ReportedRun, name: str, ids: list[str]
) -> tuple[dict[str, list[Path]], list[tuple[str, str]]]:
    """The files of each stage in the order of the ids, and the stages that lack any."""
    files, left_out = {}, []
    for stage in (*MAP_STAGES, *LABEL_STAGES):
        if stage not in run.stages or name not in _lists(stage):
            continue
        paths = [_made_file(run.path / stage, name, id_) for id_ in ids]
        found = sum(path.is_file() for path in paths)
        if found == len(ids):
            files[stage] = paths
        else:
            count = f'only {found}' if found else 'none'
            left_out.append((stage, f'{count} of the {len(ids)} {name} images have its files'))
    return files, left_out


def _lists(stage: str) -> tuple[str, ...]:
    """The lists of whose images a stage makes files."""
    if stage in _TESTS:
        return ('val',)
    return ('train',) if stage.startswith('self_') else ('train', 'val')


def _made_file(folder: Path, name: str, id_: str) -> Path:
    if folder.name in _TESTS:
        return output_path(folder / 'predictions', id_, '.png')
    return output_path(folder / name, id_, '.npz' if folder.name in MAP_STAGES else '.png')


def _image(info: dict[str, Any], id_: str, files: dict[str, Path]) -> ListedImage:
    mask, saliency, segments = (
        Path(info[key]) if info.get(key) else None
        for key in ('seg_map_path', 'saliency_path', 'segments_path')
    )
    classes = None
    if info.get('img_label') is not None:
        classes = tuple(map(int, np.flatnonzero(info['img_label'])))
    return ListedImage(id_, Path(info['img_path']), mask, saliency, classes, files, segments)
