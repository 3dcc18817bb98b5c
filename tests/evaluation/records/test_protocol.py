"""The protocol of an evaluation, read off the project's own configs."""

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmdrs.apis import apply_tta, load_config
from mmdrs.evaluation.records.protocol import (
    checkpoint_choice,
    dataset_name,
    describe_cue,
    describe_method,
    label_protocols,
    label_source,
    read_protocol,
    split_name,
    trained_on,
    with_maps,
)
from mmdrs.evaluation.records.record import Protocol
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import write_label
from mmdrs.pseudo_labels.par import PAR
from mmdrs.pseudo_labels.rules import LabelRules
from mmdrs.pseudo_labels.rules_file import write_rules
from mmdrs.pseudo_labels.segments import SegmentMerging
from tests.pipeline_runs import ROOT

V2 = 'deeplab/deeplabv2-msc_r101-d8_1xb5-20k_voc12drs-321x321'
V3PLUS = 'deeplab/deeplabv3plus-plain_r101-d16_2xb16-20k_voc12drs-513x513'
TTA_SCALES = '0.5, 0.75, 1.0, 1.25, 1.5, 1.75'
CLASSIFIER = 'drs/drs-learnable_vgg16_2xb5-15e_voc12-320x320'


def config(name: str, tta: bool = False) -> Config:
    cfg = load_config(str(ROOT / 'configs' / f'{name}.py'))
    if tta:
        apply_tta(cfg)
    return cfg


@pytest.mark.parametrize(
    ('name', 'tta', 'expected'),
    [
        (V2, False, Protocol(scales='MSC 1, 0.5, 0.75', labels='boxes')),
        (f'{V2}_released', False, Protocol(scales='MSC 1, 0.5, 0.75', labels='masks')),
        (V3PLUS, False, Protocol(labels='boxes')),
        (f'{V3PLUS}_released', False, Protocol(crop='centre crop 513 x 513', labels='masks')),
        (V3PLUS, True, Protocol(scales=f'scales {TTA_SCALES}', flip=True, labels='boxes')),
        (CLASSIFIER, True, Protocol(scales='scales 256, 320, 384', labels='boxes')),
    ],
)  # fmt: skip
def test_configs(name: str, tta: bool, expected: Protocol) -> None:
    assert read_protocol(config(name, tta).to_dict(), 'iter_20000.pth') == expected


def test_stock_config_with_sliding_windows() -> None:
    cfg = config('deeplab/deeplabv3plus_r101-d8_4xb4-20k_voc12drs-512x512')
    cfg.model.test_cfg = dict(mode='slide', crop_size=(512, 512), stride=(341, 341))
    assert read_protocol(cfg.to_dict(), None).crop == 'windows of 512 x 512'


def test_names() -> None:
    assert checkpoint_choice('w/best_mIoU_iter_1200.pth') == 'best mIoU on ground truth'
    assert checkpoint_choice('w/iter_1200.pth') == checkpoint_choice(None) == 'last'
    voc = dict(type='PascalVOCDataset', data_root='x', ann_file='ImageSets/Segmentation/val.txt')
    assert (dataset_name(voc), split_name(voc)) == ('VOC 2012', 'val')
    own = dict(type='ImageLabelDataset', data_root='data/pets/', ann_file='train_aug_cls_xml.txt')
    assert (dataset_name(own), split_name(own)) == ('pets', 'train_aug')
    named = dict(voc, metainfo=dict(dataset_name='VOC 2012, animals part'))
    assert dataset_name(named) == 'VOC 2012, animals part'
    assert dataset_name(dict(own, metainfo=dict(classes=('background', 'cat')))) == 'pets'
    names = ('train_aug_cls.txt', 'train_aug_cls_xml.txt', 'train_cls_irn.txt', 'val.txt')
    assert [label_source(name) for name in names] == ['masks', 'boxes', 'irn', '']


def test_pseudo_labels() -> None:
    crf = dict(
        iterations=10,
        gaussian_weight=3,
        gaussian_sxy=1,
        bilateral_weight=4,
        bilateral_sxy=67,
        bilateral_srgb=3,
    )
    found = label_protocols(
        dict(
            background_cue=dict(type='saliency', threshold=50),
            threshold=0.2,
            crf=crf,
            refine=dict(dilations=(1, 2), iterations=10, downscale=1),
        )
    )
    assert found['mIoU']['ignored'] != found['mIoU_written']['ignored']
    assert found['mIoU']['crf'] == '10 x (3; 1), (4; 67, 3)'
    assert found['mIoU']['refinement'] == 'PAR 10 x (1, 2)'
    assert found['mIoU']['background'] == 'saliency > 50 (source not given)'
    cues = BackgroundCue('constant', value=0.4), BackgroundCue('power', source='unused')
    assert [describe_cue(cue) for cue in cues] == ['constant 0.4', 'power 2']
    assert describe_cue(BackgroundCue(threshold=51, source='CSNet')) == 'saliency > 51 (CSNet)'
    unsure = BackgroundCue(threshold=20, sure=120, source='CSNet')
    assert describe_cue(unsure) == 'saliency > 20, up to 120 ignored (CSNet)'
    band = BackgroundCue('constant', value=0.3, sure=0.5)
    assert describe_cue(band) == 'constant 0.3, up to 0.5 ignored'
    mixed = BackgroundCue(threshold=102, maps_weight=0.25, source='CSNet')
    assert describe_cue(mixed) == '0.75 saliency + 0.25 maps > 102 (CSNet)'
    refined = BackgroundCue(maps_weight=0.25, refined=True, source='CSNet')
    assert describe_cue(refined) == '0.75 refined saliency + 0.25 maps > 50 (CSNet)'


def test_how_views_are_merged() -> None:
    """Maximum and sum, with mirror images or without, are protocols of their own."""
    cfg = config('custom/drs-classifier_custom').to_dict()
    usual = read_protocol(cfg, None)
    assert (usual.scales, usual.flip) == ('scales 256, 320, 384', False)
    cfg['test_cfg'].update(scales=(1.0, 0.5), flip=True, merge='sum')
    summed = read_protocol(cfg, None)
    assert (summed.scales, summed.flip) == ('scales 1.0, 0.5; summed', True)
    views = dict(scales=(1.0,), flip=True, merge='mean')
    cfg['model'] = dict(type='ClassProbabilityTTA', module=cfg['model'], **views)
    own = read_protocol(cfg, None)
    assert (own.scales, own.flip) == ('scales 1.0; mean', True)


def test_merged_masks_are_another_protocol(tmp_path: Path) -> None:
    """Of labels, and of networks that were trained on them; the source belongs to it."""
    rules = [
        LabelRules(merge=merge)
        for merge in (None, SegmentMerging(), SegmentMerging(0.4), SegmentMerging(source='SAM'))
    ]
    words = [
        '',
        'masks (source not given), > 0.5 of a mask or >= 0.85 of a class',
        'masks (source not given), > 0.4 of a mask or >= 0.85 of a class',
        'masks of SAM, > 0.5 of a mask or >= 0.85 of a class',
    ]
    labels = dict(data_root=str(tmp_path), data_prefix=dict(seg_map_path='labels'))
    for own, expected in zip(rules, words, strict=True):
        for found in label_protocols(own.to_config()).values():
            protocol = Protocol(**found)
            assert protocol.merging == expected
            assert (f'merged with {expected}' in str(protocol)) == bool(expected)
        write_rules(tmp_path / 'labels', own)
        trained = 'pseudo labels: saliency > 50 (source not given)'
        assert trained_on(labels) == trained + (f'; merged with {expected}' if expected else '')


def test_stored_maps_say_how_they_were_made() -> None:
    """Labels of maps by other options have the protocol of those maps, not of the config."""
    cfg = config('custom/drs-classifier_custom').to_dict()
    cfg['test_cfg']['method'] = 'GradCAM'
    record = dict(scales=[1.0, 0.5], flip=True, merge='sum')
    found = read_protocol(with_maps(cfg, record), None)
    assert (found.scales, found.flip, found.method) == ('scales 1.0, 0.5; summed', True, '')
    own = read_protocol(with_maps(cfg, dict(scales=None, merge='mean')), None)
    assert (own.scales, own.flip) == ('mean', False)
    summed = dict(cfg, test_cfg=dict(cfg['test_cfg'], flip=True, merge='sum'))
    plain = read_protocol(with_maps(summed, dict(scales=[24])), None)
    # What the record leaves out is usual.
    assert (plain.scales, plain.flip) == ('scales 24', False)
    usual = read_protocol(cfg, None)
    assert (usual.scales, usual.method) == ('scales 256, 320, 384', 'GradCAM')
    for unknown in (None, {}):
        assert read_protocol(with_maps(cfg, unknown), None) == usual


def test_rules_that_ignore_other_pixels_are_another_protocol() -> None:
    """Those of the reference need no words, nor does the score before pixels are ignored."""
    usual, other = (label_protocols(LabelRules(max_confident=most).to_config()) for most in (2, 1))
    assert usual['mIoU'] == other['mIoU']
    assert usual['mIoU_written']['ignored'] == 'count as misses'
    assert other['mIoU_written']['ignored'] == (
        'pixels with more than 1 of the channels above 0.9, too; count as misses'
    )
    for name in ('mIoU_written', 'mIoU_kept', 'kept'):
        assert usual[name] != other[name]


def test_shipped_recipes_name_the_source_of_the_saliency_maps() -> None:
    """As far as it is known: the paper's, and the demo's; a user's own is not."""
    named = {
        'voc12/settings_voc12': 'PoolNet',
        'voc12/settings_voc12-released': 'PoolNet',
        f'{CLASSIFIER}_released': 'PoolNet',
        'shapes/settings_shapes': 'generated',
        'custom/settings_custom': '',
    }
    for name, source in named.items():
        cfg = config(name)
        assert cfg.pseudo_labels.background_cue.source == source, name
        if 'val_evaluator' in cfg:
            assert cfg.val_evaluator.background_cue.source == source, name


def test_what_a_network_was_trained_on(tmp_path: Path) -> None:
    labels = dict(data_root=str(tmp_path), data_prefix=dict(seg_map_path='labels'))
    assert trained_on(labels) == ''  # there is no such folder
    write_label(tmp_path / 'labels' / 'a.png', np.zeros((2, 3), np.uint8), [[0, 0, 0]])
    assert trained_on(labels) == ''  # masks
    for source, words in (('CSNet', 'CSNet'), ('', 'source not given')):
        write_rules(tmp_path / 'labels', LabelRules(BackgroundCue(source=source)))
        expected = f'pseudo labels: saliency > 50 ({words})'
        assert trained_on(labels) == expected
        cfg = config(V3PLUS)
        cfg.train_dataloader.dataset.data_prefix.seg_map_path = str(tmp_path / 'labels')
        inner = cfg.train_dataloader.dataset
        cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=inner)
        assert read_protocol(cfg.to_dict(), None) == Protocol(labels='boxes', training=expected)
    write_rules(tmp_path / 'labels', LabelRules(refine=PAR((1, 2), downscale=2)))
    assert trained_on(labels) == (
        'pseudo labels: saliency > 50 (source not given); PAR 10 x (1, 2) at 1/2'
    )
    assert trained_on(dict(data_prefix=dict(img_path='x'))) == trained_on({}) == ''


def test_method_of_the_maps() -> None:
    """That of the loop, else that of a LocalizationTTA; a map file says the same of itself."""
    cfg = config(CLASSIFIER)
    assert read_protocol(cfg.to_dict(), None).method == ''
    cfg.test_cfg.method = 'GradCAM'
    found = read_protocol(cfg.to_dict(), None)
    assert found == Protocol(scales='scales 256, 320, 384', method='GradCAM', labels='boxes')
    assert str(found) == 'scales 256, 320, 384; maps by GradCAM; labels: boxes'
    wrapped = config(CLASSIFIER, tta=True)
    wrapped.model.method = dict(type='FEM', layer='backbone.extra.5', k=1)
    words = 'FEM at backbone.extra.5, k 1'
    assert read_protocol(wrapped.to_dict(), None).method == words
    wrapped.test_cfg.method = 'GradCAM'
    assert read_protocol(wrapped.to_dict(), None).method == 'GradCAM'
    stored = dict(type='FEM', layer=['backbone.extra.5'], library='grad-cam 1.5.7', k=1)
    assert describe_method(stored) == words
    for default in (None, 'decode_head.convs', ['decode_head.convs']):
        assert describe_method(dict(type='GradCAM', layer=default)) == 'GradCAM'
    assert describe_method(dict(type='LayerCAM', layer=['a', 'b'])) == 'LayerCAM at a, b'


def test_protocol_in_words() -> None:
    assert str(Protocol()) == 'standard'
    words = str(Protocol(checkpoint='best mIoU on ground truth', flip=True, crf='x', ignored='y'))
    assert words == 'checkpoint best mIoU on ground truth; flip; CRF x; 255: y'
    trained = Protocol(training='pseudo labels: saliency > 50 (CSNet)')
    assert str(trained) == 'trained on pseudo labels: saliency > 50 (CSNet)'
