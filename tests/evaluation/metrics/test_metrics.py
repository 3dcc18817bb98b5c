"""The two metrics on hand-made predictions."""

import json

import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import METRICS
from mmseg.structures import SegDataSample
from PIL import Image

from mmdrs.pseudo_labels.map_file import read_maps

CLASSES = ('background', 'cat', 'dog')
PALETTE = [[0, 0, 0], [128, 0, 0], [0, 128, 0]]


def prediction(
    name: str, maps: list, truth: list | None, label: list | None, saliency=None
) -> dict:
    """A data sample as an evaluator hands it on: maps (2, H, W) of cat and dog."""
    maps = torch.tensor(maps, dtype=torch.float32)
    sample = dict(
        img_path=f'{name}.jpg',
        ori_shape=tuple(maps.shape[1:]),
        seg_logits=dict(data=torch.cat([torch.full_like(maps[:1], 0.2), maps])),
    )
    if label is not None:
        sample['img_label'] = torch.tensor(label, dtype=torch.float32)
    if truth is not None:
        sample['gt_sem_seg'] = dict(data=torch.tensor([truth]))
    if saliency is not None:
        sample['saliency'] = dict(data=torch.tensor([saliency], dtype=torch.uint8))
    return sample


def build(**config):
    metric = METRICS.build(config)
    metric.dataset_meta = dict(classes=CLASSES, palette=PALETTE)
    return metric


def test_localization_metric_by_hand(tmp_path) -> None:
    metric = build(type='LocalizationMetric', output_dir=str(tmp_path))
    metric.record = dict(a=1)
    maps = [[[1.0, 0.6, 0.1, 0.4]], [[0.0, 0.0, 0.0, 0.0]]]
    metric.process(None, [prediction('x', maps, [[1, 1, 1, 0]], [1, 0])])
    scores = metric.evaluate(1)
    # At 0.2: cat on pixels 0, 1, 3; IoU cat 2 / 4, background 0 / 2.
    assert scores['mIoU_fixed'] == pytest.approx(25)
    # Above 0.4: cat on pixels 0, 1; IoU cat 2 / 3, background 1 / 2.
    assert scores['mIoU_swept'] == pytest.approx(100 * (2 / 3 + 1 / 2) / 2)
    assert 0.4 < scores['best_threshold'] < 0.6
    assert scores['coverage'] == pytest.approx(200 / 3)
    assert scores['precision'] == pytest.approx(200 / 3)
    stored = read_maps(tmp_path / 'x.npz')
    assert stored.labels == (0,) and stored.record == dict(a=1, labels=[0])
    assert stored.values.tolist() == [[[255, 153, 25, 102]]]


def test_without_ground_truth_maps_are_written_only(tmp_path) -> None:
    metric = build(type='LocalizationMetric', output_dir=str(tmp_path))
    metric.process(None, [prediction('x', [[[0.0]], [[0.7]]], None, None)])
    assert metric.evaluate(1) == {}
    assert read_maps(tmp_path / 'x.npz').labels == (1,)  # the class its head left on


def test_pseudo_label_metric_by_hand(tmp_path) -> None:
    metric = build(
        type='PseudoLabelMetric', background_cue=dict(type='saliency'), output_dir=str(tmp_path)
    )
    maps = [[[0.9, 0.1, 0.9, 0.3]], [[0.0, 0.0, 0.0, 0.5]]]
    saliency = [[255, 255, 0, 51]]
    metric.process(None, [prediction('x', maps, [[1, 1, 0, 2]], [1, 1], saliency)])
    scores = metric.evaluate(1)
    # Evaluated 1 0 0 2: background 1 / 2, cat 1 / 2, dog 1; written 1 255 0 2: background 1 / 1.
    assert scores['mIoU'] == pytest.approx(100 * (1 / 2 + 1 / 2 + 1) / 3)
    assert scores['mIoU_written'] == pytest.approx(100 * (1 + 1 / 2 + 1) / 3)
    # Without the second pixel 1 0 2 against 1 0 2.
    assert scores['mIoU_kept'] == pytest.approx(100) and scores['kept'] == pytest.approx(75)
    assert metric.class_scores['mIoU_kept'] == [100, 100, 100]
    with Image.open(tmp_path / 'x.png') as picture:
        assert picture.mode == 'P'
        assert np.asarray(picture).tolist() == [[1, 255, 0, 2]]
        assert picture.convert('RGB').getpixel((3, 0)) == (0, 128, 0)


def test_pseudo_label_metric_with_crf(tmp_path) -> None:
    """A hole in the maps, where the image shows one object; no image is read without the CRF."""
    pytest.importorskip('pydensecrf')
    maps, truth = np.zeros((2, 12, 16), np.float32), np.zeros((12, 16), int)
    maps[0, :, 8:], truth[:, 8:] = 0.8, 1
    maps[0, 5, 12] = 0.25
    scores = []
    for crf in (None, dict(), dict(bilateral_weight=0, gaussian_weight=0)):
        cue = dict(type='constant', value=0.3)
        metric = build(type='PseudoLabelMetric', background_cue=cue, crf=crf)
        if crf is not None:
            picture = np.where(truth[..., None] > 0, (0, 200, 50), 0).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / 'x.jpg')
        sample = prediction(str(tmp_path / 'x'), maps.tolist(), truth.tolist(), [1, 0])
        metric.process(None, [sample])
        scores.append(metric.evaluate(1)['mIoU'])
    plain = 100 * (96 / 97 + 95 / 96) / 2
    assert scores == pytest.approx([plain, 100, plain])


def test_pseudo_label_metric_with_masks_to_merge(tmp_path) -> None:
    """The mask of the first three pixels is the cat's, by two of them."""
    content = dict(size=[1, 4], counts=[0, 3, 1])
    (tmp_path / 'x.json').write_text(json.dumps([dict(segmentation=content)]))
    cue = dict(type='constant', value=0.3)
    more = dict(merge=dict(type='SegmentMerging', source='SAM'), output_dir=str(tmp_path))
    metric = build(type='PseudoLabelMetric', background_cue=cue, **more)
    sample = prediction('x', [[[0.9, 0.9, 0, 0]], [[0, 0, 0, 0.9]]], [[1, 1, 1, 2]], [1, 1])
    metric.process(None, [dict(sample, segments_path=str(tmp_path / 'x.json'))])
    assert metric.evaluate(1)['mIoU'] == 100
    assert 'masks of SAM' in metric.protocols['mIoU']['merging']
    with pytest.raises(ValueError, match=r'no masks to merge into the label of x\.jpg: set segm'):
        metric.process(None, [sample])
        metric.evaluate(1)


def test_missing_saliency_says_what_to_do() -> None:
    metric = build(type='PseudoLabelMetric', background_cue=dict(type='saliency'))
    with pytest.raises(ValueError, match=r'no saliency map of x\.jpg.*saliency_path'):
        metric.process(None, [prediction('x', [[[1.0]], [[0.0]]], None, [1, 0])])
        metric.evaluate(1)


@pytest.mark.parametrize('kind', ['LocalizationMetric', 'PseudoLabelMetric'])
def test_wrong_masks_are_named(kind: str) -> None:
    cue = {} if kind == 'LocalizationMetric' else dict(background_cue=dict(type='constant'))
    metric = build(type=kind, **cue)
    sample = prediction('x', [[[1.0]], [[0.0]]], [[7]], [1, 0])
    with pytest.raises(ValueError, match=r'^masks/x\.png: .*holds the value 7, but there are 3'):
        metric.process(None, [dict(sample, seg_map_path='masks/x.png')])
        metric.evaluate(1)


def data_sample(name: str, truth: list | None = None) -> SegDataSample:
    """An image before the network: labelled cat, of 1 x 4 pixels."""
    sample = SegDataSample(metainfo=dict(img_path=f'{name}.jpg', ori_shape=(1, 4)))
    sample.set_data(dict(img_label=torch.tensor([1.0, 0.0])))
    if truth is not None:
        sample.gt_sem_seg = PixelData(data=torch.tensor([truth]))
    return sample


MAPS, TRUTH = [[[1.0, 0.6, 0.1, 0.4]], [[0.0, 0.0, 0.0, 0.0]]], [[1, 1, 1, 0]]
FILE_METRICS = [
    dict(type='LocalizationMetric'),
    dict(type='PseudoLabelMetric', background_cue=dict(type='constant')),
]


@pytest.mark.parametrize('config', FILE_METRICS, ids=['maps', 'labels'])
def test_files_are_kept_by_their_record(tmp_path, config: dict) -> None:
    """Of network and so on, and of the image labels; without a record none is."""
    metric = build(**config, output_dir=str(tmp_path))
    sample = prediction('x', MAPS, TRUTH, [1, 0])
    metric.process(None, [sample])
    metric.evaluate(1)
    (path,) = tmp_path.glob('x.*')
    assert not metric.kept(sample)  # the loop said nothing
    metric.record = dict(format=2, weights='a')
    assert not metric.kept(sample)
    metric.process(None, [sample])
    first, before = metric.evaluate(1), path.stat().st_mtime_ns
    assert metric.kept(sample) and metric.kept(data_sample('x', TRUTH).to_dict())
    metric.process(None, [sample])
    assert metric.evaluate(1) == first and path.stat().st_mtime_ns == before
    assert not metric.kept(prediction('y', MAPS, TRUTH, [1, 0]))
    assert not metric.kept(prediction('x', MAPS, TRUTH, [1, 1]))
    assert not metric.kept(prediction('x', MAPS, TRUTH, None))
    for record in (dict(format=2, weights='b'), dict(format=2), dict(format=3, weights='a'), None):
        metric.record = record
        assert not metric.kept(sample)
    path.write_bytes(path.read_bytes()[:50])
    metric.record = dict(format=2, weights='a')
    assert not metric.kept(sample)


@pytest.mark.parametrize('config', FILE_METRICS, ids=['maps', 'labels'])
def test_files_restore_the_prediction(tmp_path, config: dict) -> None:
    """The scores of an image are those of the first run, without the network."""
    metric = build(**config, output_dir=str(tmp_path))
    metric.record = dict(format=2)
    metric.process(None, [prediction('x', MAPS, TRUTH, [1, 0])])
    first = metric.evaluate(1)
    sample = data_sample('x', TRUTH)
    metric.restore(sample)
    assert sample.pred_sem_seg.data.tolist() == [[[1, 1, 0, 1]]]
    if metric.holds_prediction:
        levels = torch.tensor([255, 153, 25, 102]) / 255
        torch.testing.assert_close(sample.seg_logits.data[1, 0], levels)
        assert sample.seg_logits.data[[0, 2], 0].tolist() == [[pytest.approx(0.2)] * 4, [0] * 4]
    metric.process(None, [sample.to_dict()])
    assert metric.evaluate(1) == first


def test_labels_are_those_of_stored_maps(tmp_path) -> None:
    """The prediction is rounded down to the levels of a map file first: 0.2999 is below 0.3."""
    maps = [[[0.2999, 76.6 / 255, 0.9]], [[0.0, 0.0, 0.0]]]
    metric = build(
        type='PseudoLabelMetric',
        background_cue=dict(type='constant', value=0.0),
        threshold=0.3,
        output_dir=str(tmp_path),
    )
    metric.process(None, [prediction('x', maps, None, [1, 0])])
    metric.evaluate(1)
    with Image.open(tmp_path / 'x.png') as picture:
        assert np.asarray(picture).tolist() == [[0, 0, 1]]  # 76 / 255 is 0.298
