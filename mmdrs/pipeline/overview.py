"""The picture at the end of a pipeline run: some images through all the stages."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmseg.registry import DATASETS

from mmdrs.apis import init_model
from mmdrs.apis.prediction.trained_run import segmentation_stage
from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.models.utils.cam import resize_array
from mmdrs.pipeline.runs.stage_run import StageRun
from mmdrs.pseudo_labels.image_file import read_image
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.pseudo_labels.output_paths import output_path
from mmdrs.visualization import contact_sheet, heat_map, label_colours

MAP_STAGES = (
    ('plain_maps', 'plain map'),
    ('drs_maps', 'DRS map'),
    ('refined_maps', 'refined map'),
)


def write_overview(work_dir: Path, runs: dict[str, StageRun], images: int = 6) -> Path | None:
    """Write ``overview.png``: image, maps, pseudo label, prediction, ground truth.

    The images are spread evenly over the validation list, else the training list. A column whose
    files are not there yet is left out; predictions that no evaluation has stored are made.

    Returns:
        The picture's path, or None if no stage has finished with maps yet.
    """
    run = runs['drs_maps']
    split = 'val' if 'val' in run.splits else 'train'
    dataset = DATASETS.build(dict(run.split_config(split).test_dataloader.dataset, pipeline=[]))
    places = np.unique(np.linspace(0, len(dataset) - 1, images).astype(int))
    infos = [dataset.get_data_info(int(index)) for index in places]
    folders = {
        heading: work_dir / stage / split
        for stage, heading in MAP_STAGES
        if all(output_path(work_dir / stage / split, i['img_id'], '.npz').is_file() for i in infos)
    }
    if not folders:
        return None
    labels = {
        'pseudo label': _stored(work_dir / 'pseudo_labels' / split, infos),
        'prediction': _predictions(work_dir, runs, infos),
    }
    if all(info.get('seg_map_path') for info in infos):
        labels['ground truth'] = [read_label(info['seg_map_path']) for info in infos]
    labels = {heading: found for heading, found in labels.items() if found}
    palette = dataset.metainfo['palette']
    rows = [
        [*_row(info, folders), *(label_colours(found[i], palette) for found in labels.values())]
        for i, info in enumerate(infos)
    ]
    path = work_dir / 'overview.png'
    with written_whole(path) as temporary:
        contact_sheet(['image', *folders, *labels], rows).save(temporary, format='PNG')
    return path


def _stored(folder: Path, infos: Sequence[dict]) -> list[np.ndarray]:
    """The labels of the images in a folder; none unless all are there."""
    paths = [output_path(folder, info['img_id'], '.png') for info in infos]
    return [read_label(path) for path in paths] if all(p.is_file() for p in paths) else []


def _predictions(
    work_dir: Path, runs: dict[str, StageRun], infos: Sequence[dict]
) -> list[np.ndarray]:
    """The labels by the newest segmentation network: stored, else predicted now."""
    try:
        network = segmentation_stage(work_dir).name
    except InputError:
        return []
    tests = [run for run in runs.values() if run.stage.kind == 'test']
    folders = [run.folder / 'predictions' for run in tests if run.stage.weights == network]
    for folder in folders:
        if stored := _stored(folder, infos):
            return stored
    model = init_model(work_dir)
    return [model.predict(info['img_path']).label for info in infos]


def _row(info: dict, folders: dict[str, Path]) -> list[np.ndarray]:
    """The image and its maps."""
    image = read_image(info['img_path'])
    row = [image]
    for folder in folders.values():
        stored = read_maps(output_path(folder, info['img_id'], '.npz'))
        row.append(heat_map(image, resize_array(stored.floats(), image.shape[:2])))
    return row
