"""Every reader of files that come from users, with a good file of each."""

import io
import json
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import yaml
from mmengine.structures import BaseDataElement
from mmseg.registry import DATASETS
from PIL import Image
from scipy.io import savemat

from ablation.variants import read_variants
from mmdrs.apis import load_config, make_pseudo_labels, read_checkpoint
from mmdrs.apis.checkpoint import check_checkpoint
from mmdrs.datasets.file_checks import check_saliency, read_header
from mmdrs.datasets.formats import (
    coco_image_labels,
    labels_from_list,
    labels_from_masks,
    labels_from_xml,
    read_id_list,
    read_label_list,
)
from mmdrs.evaluation.records.record import Evaluation, Protocol, Score, write_evaluations
from mmdrs.evaluation.records.table import score_table
from mmdrs.pipeline.settings import load_settings
from mmdrs.pipeline.state import Fingerprint, StageState
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.image_file import read_image, read_saliency
from mmdrs.pseudo_labels.label_file import read_label, read_label_record, write_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, read_maps, read_record, write_maps
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.reporting.leaderboard.collection import collect
from mmdrs.reporting.leaderboard.ranking import PUBLISHED, read_published, rows
from mmdrs.reporting.leaderboard.table_formats import to_html, to_markdown
from mmdrs.reporting.report.listed_images import list_images
from mmdrs.reporting.report.reported_run import read_run
from mmdrs.reporting.report.training_log import read_training
from tests.pipeline_runs import SETTINGS, load_tool
from tests.tools.voc_archives import sbd_files, voc_files, write_tar, xml_bytes
from voc_server.checking import submission_faults
from voc_server.packing import pack_submission

CLASSES = ('background', 'disc', 'bar')
PALETTE = ((0, 0, 0), (128, 0, 0), (0, 128, 0))
HEIGHT, WIDTH = 12, 16
CONSTANT = LabelRules(background_cue=BackgroundCue(type='constant', value=0.3))
SALIENCY = LabelRules(background_cue=BackgroundCue(type='saliency', threshold=50))

Read = Callable[[Path], Any]


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of file.

    Attributes:
        name: In messages of the tests.
        file: Path of the file, relative to a folder that :func:`make_files` has filled.
        kind: Of the damage, a key of :data:`.KINDS` or ``bytes``.
        read: Called with the path of the file.
    """

    name: str
    file: str
    kind: str
    read: Read


def make_files(root: Path) -> None:
    """A folder of one good file of each kind, named as :data:`READERS` name them."""
    rng = np.random.default_rng(0)
    for folder in ('images', 'masks', 'saliency', 'maps', 'VOC/SegmentationClassAug'):
        (root / folder).mkdir(parents=True)
    photo = Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8))
    photo.save(root / 'images' / 'photo7.png')
    label = np.zeros((HEIGHT, WIDTH), np.uint8)
    label[3:9, 3:9] = 1
    label[0] = 255
    record = dict(maps=dict(format=2), rules=CONSTANT.to_config(), saliency=None)
    for folder in ('masks', 'VOC/SegmentationClassAug'):
        write_label(root / folder / 'photo7.png', label, PALETTE, record)
    Image.fromarray(label * 200).save(root / 'saliency' / 'photo7.png')
    maps = rng.random((1, 8, 8)).astype(np.float32)
    made = LocalizationMaps.from_floats((0,), maps, (HEIGHT, WIDTH), dict(format=2, labels=[0]))
    write_maps(root / 'maps' / 'photo7.npz', made)
    _make_lists(root)
    _make_run(root / 'run')
    _make_checkpoints(root)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    savemat(root / 'photo7.mat', dict(GTcls=dict(Segmentation=mask)), do_compression=True)
    (root / 'settings.py').write_bytes(SETTINGS.read_bytes())
    (root / 'config.py').write_text("_base_ = 'mmdrs::custom/plain-classifier_custom.py'\n")
    variants = {
        'slow': {'drs_classifier.optim_wrapper.optimizer.lr': '1e-3'},
        'late': {'drs_layers': ['layer7.*activate'], 'drs.in_eval': False},
        'by-layer': {'drs_layers': {'layer6.*activate': {'delta': 0.8}}},
    }
    (root / 'variants.yml').write_text(yaml.safe_dump(variants))
    published = yaml.safe_load(PUBLISHED.read_text())
    published['rows'] = published['rows'][:2]
    (root / 'published.yml').write_text(yaml.safe_dump(published))
    write_tar(root / 'voc.tar', voc_files())
    write_tar(root / 'sbd.tar', sbd_files())
    (root / 'predictions').mkdir()
    Image.fromarray(mask).save(root / 'predictions' / 'photo7.png')
    pack_submission(root / 'predictions', root / 'submission.tgz', dict(photo7=(HEIGHT, WIDTH)))


def _make_lists(root: Path) -> None:
    (root / 'train.txt').write_text('a 0 1\nb 1\n# c\nd disc\n')
    (root / 'labels.csv').write_text('id,labels\na,0;1\nb,bar\n"c","disc|bar"\n')
    (root / 'table.csv').write_text('id,disc,bar\na,1,0\nb,0,1\n')
    (root / 'one.txt').write_text('photo7 0\n')
    vector = np.zeros(20, np.float32)
    vector[14] = 1
    np.save(root / 'labels.npy', {'photo7': vector, 2007000032: vector}, allow_pickle=True)
    coco = dict(
        images=[dict(id=1, file_name='a.jpg'), dict(id=2, file_name='b/c.jpg')],
        annotations=[dict(id=1, image_id=1, category_id=3, area=5.5, iscrowd=0)],
        categories=[dict(id=3, name='disc'), dict(id=7, name='bar')],
    )
    (root / 'coco.json').write_text(json.dumps(coco))
    (root / 'VOC' / 'Annotations').mkdir()
    (root / 'VOC' / 'Annotations' / 'photo7.xml').write_bytes(xml_bytes([('cat', 0), ('dog', 1)]))


def evaluation() -> Evaluation:
    """A record with all fields filled."""
    by_class = {'background': 90.0, 'disc': 60.5, 'bar': None}
    sha = dict(name='a', sha256='0')
    made_of = dict(config_sha256='c', list=sha, weights=sha, time='2026-01-01T00:00:00+0000')
    return Evaluation(
        task='seg',
        dataset='shapes',
        split='val',
        images=3,
        model='net',
        stage='evaluation',
        seed=0,
        scores=[Score('mIoU', 75.25, Protocol(crf='1'), by_class)],
        provenance=made_of,
    )


def _make_run(run: Path) -> None:
    """A work directory of the pipeline with one finished stage."""
    stage = run / 'evaluation'
    write_evaluations(run / 'results.json', [evaluation()])
    content = json.loads((run / 'results.json').read_text())[0]
    (stage / 'results').mkdir(parents=True)
    (stage / 'results' / 'seg_val.json').write_text(json.dumps(content))
    state = StageState(stage)
    state.start(Fingerprint('f', 's'))
    started = (stage / 'started.json').read_bytes()
    state.finish(Fingerprint('f', 's'), 3.5)
    (stage / 'started.json').write_bytes(started)
    dataset = dict(
        type='ImageLabelDataset',
        data_root=str(run.parent),
        ann_file='one.txt',
        img_suffix='.png',
        data_prefix=dict(img_path='images', seg_map_path='masks', saliency_path='saliency'),
        metainfo=dict(classes=CLASSES),
        test_mode=True,
        serialize_data=False,
    )
    described = dict(kind='test', title='network', fingerprint='f', scores='s')
    described = dict(
        format=1,
        settings=dict(seed=0, num_workers=0, classes=CLASSES),
        stages=dict(evaluation=described),
        datasets=dict(train=dataset, val=None, evaluation=dataset),
    )
    (run / 'pipeline.json').write_text(json.dumps(described))
    log = stage / '20260101_000000' / 'vis_data'
    log.mkdir(parents=True)
    lines = [dict(lr=0.1, loss=1.5 / n, loss_a=1.0, loss_b=0.5, iter=n) for n in range(1, 4)]
    (log / '20260101_000000.json').write_text('\n'.join(map(json.dumps, lines)))


MODEL = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))


def _make_checkpoints(root: Path) -> None:
    weights = dict(MODEL.state_dict())
    content = dict(state_dict=weights, meta=dict(epoch=1, iter=5, experiment_name='x'))
    torch.save(content, root / 'epoch_1.pth')
    released = {'module.features.0.weight': torch.zeros(2, 3, 3, 3)}
    torch.save(dict(state_dict=released), root / 'released.pth')
    (root / 'last_checkpoint').write_text(str(root / 'epoch_1.pth'))


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
    Reader('npy labels', 'labels.npy', 'bytes', lambda p: labels_from_list(p, ['photo7'])),
    Reader('COCO', 'coco.json', 'json', lambda p: coco_image_labels([p], min_area=1)),
    Reader(
        'XML',
        'VOC/Annotations/photo7.xml',
        'text',
        lambda p: labels_from_xml(p.parents[1], ['photo7']),
    ),
    Reader(
        'masks of VOC',
        'VOC/SegmentationClassAug/photo7.png',
        'picture',
        lambda p: labels_from_masks(p.parents[1], ['photo7']),
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
        lambda p: check_saliency(p.parent, ['photo7'], p.parents[1] / 'images', '.png', '.png'),
    ),
    Reader('masks in labels', 'masks/photo7.png', 'picture', lambda p: _pseudo_label(p, CONSTANT)),
    Reader('masks in test', 'masks/photo7.png', 'picture', _test_mask),
    Reader('labels in training', 'masks/photo7.png', 'picture', _training_label),
    Reader('label', 'masks/photo7.png', 'picture', read_label),
    Reader('record of a label', 'masks/photo7.png', 'picture', read_label_record),
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
