"""Good files of every kind that users give, to be damaged."""

import json
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from scipy.io import savemat

from mmdrs.evaluation.records.record import Evaluation, Protocol, Score, write_evaluations
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.pseudo_labels.rle import encode, run_lengths
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import write_rules
from mmdrs.reporting.leaderboard.ranking import PUBLISHED
from mmdrs.stage_state import Fingerprint, StageState
from tests.datasets.label_formats.test_cvat import XML as CVAT
from tests.datasets.label_formats.test_labelme import labelme
from tests.pipeline_runs import SETTINGS, load_tool
from tests.tools.voc_archives import sbd_files, voc_files, write_tar, xml_bytes
from voc_server.packing import pack_submission

VOC = load_tool('dataset_converters/voc_image_labels')
SALIENCY_CHECK = load_tool('dataset_converters/check_saliency')
COCO = load_tool('dataset_converters/coco_image_labels')
CLASSES = ('background', 'disc', 'bar')
PALETTE = ((0, 0, 0), (128, 0, 0), (0, 128, 0))
HEIGHT, WIDTH = 12, 16
CONSTANT = LabelRules(background_cue=BackgroundCue(type='constant', value=0.3))
SALIENCY = LabelRules(background_cue=BackgroundCue(type='saliency', threshold=50))


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
    record = dict(maps=dict(format=2), rules=CONSTANT.deciding(), saliency=None)
    for folder in ('masks', 'VOC/SegmentationClassAug'):
        write_label(root / folder / 'photo7.png', label, PALETTE, record)
    write_rules(root / 'masks', SALIENCY)
    Image.fromarray(label * 200).save(root / 'saliency' / 'photo7.png')
    (root / 'segments' / 'photo7').mkdir(parents=True)
    Image.fromarray(label).save(root / 'segments' / 'photo7' / 'mask3.png')
    encoded = [dict(area=9, segmentation=encode(label > 0)) for _ in range(2)]
    encoded[1]['segmentation']['counts'] = run_lengths(label > 0).tolist()
    (root / 'segments' / 'photo8.json').write_text(json.dumps(encoded))
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
    (root / 'labelme.json').write_text(labelme('photo7.png', 'disc', bar=True))
    (root / 'cvat.xml').write_text(CVAT)
    (root / 'colours.txt').write_text('background:0,0,0::\ndisc:128,0,0::\nbar 0 128 0\n')
    (root / 'yolo' / 'labels').mkdir(parents=True)
    (root / 'yolo' / 'data.yaml').write_text('names: [disc, bar]\n')
    (root / 'yolo' / 'labels' / 'photo7.txt').write_text('1 0.5 0.5 0.2 0.2\n')
    (root / 'yolo' / 'images').mkdir()
    (root / 'yolo' / 'images' / 'photo7.png').write_bytes(b'')
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
