"""Every reader of files that come from users."""

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from mmengine.structures import BaseDataElement
from mmseg.registry import DATASETS

from ablation.variants import read_variants
from mmdrs.apis import load_config, make_pseudo_labels, read_checkpoint
from mmdrs.apis.checkpoint import check_checkpoint
from mmdrs.datasets.label_formats.colour_table import read_colour_table
from mmdrs.datasets.label_formats.detection import FORMATS
from mmdrs.datasets.label_formats.labelled import ReadOptions, Source
from mmdrs.datasets.label_formats.masks import colours_of, mask_values
from mmdrs.datasets.label_lists import read_id_list, read_label_list
from mmdrs.evaluation.records.protocol import trained_on
from mmdrs.evaluation.records.table import score_table
from mmdrs.pipeline.settings import load_settings
from mmdrs.pseudo_labels.image_file import read_header, read_image, read_saliency
from mmdrs.pseudo_labels.label_file import read_label, read_label_record
from mmdrs.pseudo_labels.map_file import read_maps, read_record
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.segments import SegmentMerging
from mmdrs.pseudo_labels.segments_file import read_segments
from mmdrs.reporting.leaderboard.collection import collect
from mmdrs.reporting.leaderboard.ranking import read_published, rows
from mmdrs.reporting.leaderboard.table_formats import to_html, to_markdown
from mmdrs.reporting.report.listed_images import list_images
from mmdrs.reporting.report.reported_run import read_run
from mmdrs.reporting.report.training_log import read_training
from mmdrs.stage_state import Fingerprint, StageState
from tests.fuzz.good_files import CLASSES, CONSTANT, HEIGHT, MODEL, PALETTE, SALIENCY, WIDTH
from tests.pipeline_runs import load_tool
from voc_server.checking import submission_faults
from voc_server.packing import pack_submission

VOC = load_tool('dataset_converters/voc_image_labels')
SALIENCY_CHECK = load_tool('dataset_converters/check_saliency')
COCO = load_tool('dataset_converters/coco_image_labels')
Read = Callable[[Path], Any]


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of file.

    Attributes:
        name: In messages of the tests.
        file: Path of the file, relative to a folder that :func:`.make_files` has filled.
        kind: Of the damage, a key of :data:`.KINDS`, or ``bytes``.
        read: Called with the path of the file.
    """

    name: str
    file: str
    kind: str
    read: Read


def _dataset(path: Path, kind: str, pipeline: Sequence[str], **prefixes: str) -> Any:
    """The first sample of a data set; all transforms of a training or test are run."""
    root = path.parents[1]
    dataset = DATASETS.build(
        dict(
            type=kind,
            data_root=str(root),
            ann_file='one.txt',
            img_suffix='.png',
            data_prefix=dict(img_path='images', **prefixes),
            metainfo=dict(classes=CLASSES),
            pipeline=[dict(type=name) for name in pipeline],
            serialize_data=False,  # which collects garbage first, and takes the most time
        )
    )
    sample = dataset[0]
    assert isinstance(sample['data_samples'], BaseDataElement)
    return sample


def _found(path: Path, name: str) -> Any:
    """The labels of a file or folder whose classes are not known beforehand."""
    return FORMATS[name].read(Source(path), ReadOptions())


def _network_image(path: Path) -> Any:
    return _dataset(path, 'ImageLabelDataset', ('LoadImageFromFile', 'PackDRSInputs'))


def _training_label(path: Path) -> Any:
    steps = ('LoadImageFromFile', 'LoadAnnotations', 'PackSegInputs')
    return _dataset(path, 'PseudoLabelDataset', steps, seg_map_path=path.parent.name)


def _test_mask(path: Path) -> Any:
    steps = ('LoadImageFromFile', 'LoadAnnotations', 'PackDRSInputs')
    return _dataset(path, 'ImageLabelDataset', steps, seg_map_path=path.parent.name)


def _training_saliency(path: Path) -> Any:
    steps = ('LoadImageFromFile', 'LoadSaliencyMap', 'PackDRSInputs')
    return _dataset(path, 'ImageLabelDataset', steps, saliency_path='saliency')


def _training_maps(path: Path) -> Any:
    steps = ('LoadImageFromFile', 'LoadLocalizationMap', 'PackDRSInputs')
    return _dataset(path, 'ImageLabelDataset', steps, map_path='maps')


def _pseudo_label(path: Path, rules: LabelRules) -> Any:
    """The labels stage, on one image."""
    root = path.parents[1]
    image = dict(
        img_id='photo7',
        img_path=str(root / 'images' / 'photo7.png'),
        saliency_path=str(root / 'saliency' / 'photo7.png'),
        seg_map_path=str(root / 'masks' / 'photo7.png'),
    )
    return list(make_pseudo_labels([image], root / 'maps', None, rules, PALETTE, len(CLASSES)))


def _trained_on(path: Path) -> Any:
    return trained_on(dict(data_prefix=dict(seg_map_path=str(path.parent))))


def _merged(path: Path) -> Any:
    segments = read_segments(path)
    if segments.size != (HEIGHT, WIDTH):
        return segments
    return SegmentMerging().merge(np.eye(HEIGHT, WIDTH, dtype=np.uint8), segments)


def _maps(path: Path) -> Any:
    maps = read_maps(path)
    floats = maps.floats()
    assert np.isfinite(floats).all() and (floats >= 0).all() and len(floats) == len(maps.labels)
    return maps


def _state(path: Path) -> Any:
    return StageState(path.parent).status(Fingerprint('f', 's'))


def _report(path: Path) -> Any:
    root = path if path.name == 'run' else next(p for p in path.parents if p.name == 'run')
    run = read_run(root)
    for stage in run.stages.values():
        score_table(stage.evaluations)
    return list_images(run, None)


def _leaderboard(path: Path) -> Any:
    found, left_out = collect([path.parents[2]])
    board = rows(found)
    return to_markdown(board, read_published()), to_html(board, []), left_out


def _published(path: Path) -> Any:
    return to_markdown([], read_published(path))


def _mean_results(path: Path) -> Any:
    return score_table(load_tool('analysis_tools/mean_results').read_runs([path.parent]))


def _settings(path: Path) -> Any:
    return load_settings(path).values()


def _stages(path: Path) -> Any:
    """The config of a stage, with what it inherits and shares."""
    return load_settings(path).stage_config('drs_classifier', path.parent)


def _submission(path: Path) -> Any:
    return submission_faults(path, ['photo7'], dict(photo7=(HEIGHT, WIDTH)))


def _prediction(path: Path) -> Any:
    target = path.parents[1] / 'packed.tgz'
    return pack_submission(path.parent, target, dict(photo7=(HEIGHT, WIDTH)))


def _voc12_aug(path: Path) -> Any:
    tool = load_tool('dataset_converters/voc12_aug')
    archives = dict(VOC=path.parent / 'voc.tar', SBD=path.parent / 'sbd.tar')
    with TemporaryDirectory(dir=path.parent) as out:
        return tool.prepare_voc_aug(archives, Path(out), expected=0, any_checksum=True)


def _mat(path: Path) -> Any:
    return load_tool('dataset_converters/voc12_aug').read_sbd_mask(path, str(path))


def _released(path: Path) -> Any:
    tool = load_tool('model_converters/released_checkpoints')
    return tool.convert(read_checkpoint(str(path)), str(path))


READERS = (
    Reader('list', 'train.txt', 'text', lambda p: read_label_list(p, CLASSES[1:])),
    Reader('CSV of labels', 'labels.csv', 'text', lambda p: read_label_list(p, CLASSES[1:])),
    Reader('CSV table', 'table.csv', 'text', lambda p: read_label_list(p, CLASSES[1:])),
    Reader('list of ids', 'train.txt', 'text', read_id_list),
    Reader('text of unknown classes', 'train.txt', 'text', lambda p: _found(p, 'list')),
    Reader('CSV of unknown classes', 'labels.csv', 'text', lambda p: _found(p, 'list')),
    Reader('npy of unknown classes', 'labels.npy', 'bytes', lambda p: _found(p, 'npy')),
    Reader('COCO of any program', 'coco.json', 'json', lambda p: _found(p, 'coco')),
    Reader('LabelMe', 'labelme.json', 'json', lambda p: _found(p, 'labelme')),
    Reader('CVAT', 'cvat.xml', 'text', lambda p: _found(p, 'cvat')),
    Reader('names of YOLO', 'yolo/data.yaml', 'yaml', lambda p: _found(p.parent, 'yolo')),
    Reader('YOLO', 'yolo/labels/photo7.txt', 'text', lambda p: _found(p.parents[1], 'yolo')),
    Reader('colours', 'colours.txt', 'text', read_colour_table),
    Reader('colours of a mask', 'masks/photo7.png', 'picture', colours_of),
    Reader('values of a mask', 'masks/photo7.png', 'picture', mask_values),
    Reader('npy labels', 'labels.npy', 'bytes', lambda p: VOC.labels_from_list(p, ['photo7'])),
    Reader('COCO', 'coco.json', 'json', lambda p: COCO.coco_image_labels([p], min_area=1)),
    Reader(
        'XML',
        'VOC/Annotations/photo7.xml',
        'text',
        lambda p: VOC.labels_from_xml(p.parents[1], ['photo7']),
    ),
    Reader(
        'masks of VOC',
        'VOC/SegmentationClassAug/photo7.png',
        'picture',
        lambda p: VOC.labels_from_masks(p.parents[1], ['photo7']),
    ),
    Reader(
        'image for CRF', 'images/photo7.png', 'picture', lambda p: read_image(p, (HEIGHT, WIDTH))
    ),
    Reader('image for network', 'images/photo7.png', 'picture', _network_image),
    Reader('image header', 'images/photo7.png', 'picture', lambda p: read_header(str(p))),
    Reader('saliency', 'saliency/photo7.png', 'picture', read_saliency),
    Reader('saliency in training', 'saliency/photo7.png', 'picture', _training_saliency),
    Reader(
        'saliency in labels',
        'saliency/photo7.png',
        'picture',
        lambda p: _pseudo_label(p, SALIENCY),
    ),
    Reader(
        'saliency check',
        'saliency/photo7.png',
        'picture',
        lambda p: SALIENCY_CHECK.check_saliency(
            p.parent, ['photo7'], p.parents[1] / 'images', '.png', '.png'
        ),
    ),
    Reader('masks in labels', 'masks/photo7.png', 'picture', lambda p: _pseudo_label(p, CONSTANT)),
    Reader('masks in test', 'masks/photo7.png', 'picture', _test_mask),
    Reader('labels in training', 'masks/photo7.png', 'picture', _training_label),
    Reader('label', 'masks/photo7.png', 'picture', read_label),
    Reader('record of a label', 'masks/photo7.png', 'picture', read_label_record),
    Reader('rules of labels', 'masks/rules.json', 'json', _trained_on),
    Reader('masks to merge', 'segments/photo8.json', 'json', _merged),
    Reader('mask to merge', 'segments/photo7/mask3.png', 'picture', lambda p: _merged(p.parent)),
    Reader('maps', 'maps/photo7.npz', 'arrays', _maps),
    Reader('record of maps', 'maps/photo7.npz', 'arrays', read_record),
    Reader('maps in training', 'maps/photo7.npz', 'arrays', _training_maps),
    Reader('maps in labels', 'maps/photo7.npz', 'arrays', lambda p: _pseudo_label(p, CONSTANT)),
    Reader(
        'checkpoint', 'epoch_1.pth', 'bytes', lambda p: check_checkpoint(MODEL, str(p), 'test')
    ),
    Reader('released checkpoint', 'released.pth', 'bytes', _released),
    Reader('started.json', 'run/evaluation/started.json', 'json', _state),
    Reader('done.json', 'run/evaluation/done.json', 'json', _state),
    Reader('results.json', 'run/results.json', 'json', _mean_results),
    Reader('pipeline.json', 'run/pipeline.json', 'json', _report),
    Reader('record in report', 'run/evaluation/results/seg_val.json', 'json', _report),
    Reader('done.json in report', 'run/evaluation/done.json', 'json', _report),
    Reader('record in leaderboard', 'run/evaluation/results/seg_val.json', 'json', _leaderboard),
    Reader(
        'training log',
        'run/evaluation/20260101_000000/vis_data/20260101_000000.json',
        'text',
        lambda p: read_training(p.parents[2]),
    ),
    Reader('published results', 'published.yml', 'yaml', _published),
    Reader('variants', 'variants.yml', 'yaml', read_variants),
    Reader('settings', 'settings.py', 'text', _settings),
    Reader('settings of stages', 'settings.py', 'settings', _stages),
    Reader('config', 'config.py', 'text', load_config),
    Reader('submission', 'submission.tgz', 'tar', _submission),
    Reader('prediction', 'predictions/photo7.png', 'picture', _prediction),
    Reader('VOC archive', 'voc.tar', 'tar', _voc12_aug),
    Reader('SBD archive', 'sbd.tar', 'tar', _voc12_aug),
    Reader('SBD mask', 'photo7.mat', 'bytes', _mat),
)


def quietly(read: Read, path: Path) -> None:
    """Call a reader without what it prints."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        read(path)
