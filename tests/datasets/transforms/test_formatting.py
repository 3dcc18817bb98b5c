"""What the model gets: packed samples, and batches of the runner's data loader."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.runner import Runner

from mmdrs.datasets import PackDRSInputs
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps


def make_results(num_classes: int = 3) -> dict:
    rng = np.random.default_rng(0)
    return {
        'img': rng.integers(0, 256, (5, 7, 3)).astype(np.uint8),
        'img_path': 'a/i.jpg',
        'img_id': 'i',
        'img_label': np.array([1, 0, 1], np.float32),
        'ori_shape': (5, 7),
        'map_path': 'maps/i.npz',
        'saliency_path': 'saliency/i.png',
        'segments_path': 'segments/i.json',
        'note': 'kept on demand',
        'gt_localization_map': rng.integers(0, 256, (5, 7, num_classes)).astype(np.uint8),
        'saliency': rng.integers(0, 256, (5, 7)).astype(np.uint8),
        'gt_seg_map': rng.integers(0, 4, (5, 7)).astype(np.uint8),
    }


def test_pack() -> None:
    results = make_results()
    packed = PackDRSInputs(extra_meta_keys=('note',))(results)
    sample = packed['data_samples']
    np.testing.assert_array_equal(packed['inputs'], results['img'].transpose(2, 0, 1))
    maps = sample.gt_localization_map.data
    assert maps.dtype == torch.uint8
    np.testing.assert_array_equal(maps, results['gt_localization_map'].transpose(2, 0, 1))
    assert sample.saliency.data.dtype == torch.uint8
    np.testing.assert_array_equal(sample.saliency.data, results['saliency'][None])
    np.testing.assert_array_equal(sample.gt_sem_seg.data, results['gt_seg_map'][None])
    assert sample.img_label.dtype == torch.float32 and sample.img_label.tolist() == [1, 0, 1]
    assert set(dict(sample.items())) >= {'img_label', 'saliency'}  # data, moved by `to`
    assert sample.to('meta').img_label.is_meta
    assert sample.metainfo == {
        'img_path': 'a/i.jpg',
        'img_id': 'i',
        'ori_shape': (5, 7),
        'map_path': 'maps/i.npz',
        'saliency_path': 'saliency/i.png',
        'segments_path': 'segments/i.json',
        'note': 'kept on demand',
    }


def test_pack_without_labels_and_maps() -> None:
    sample = PackDRSInputs()({'img': np.zeros((5, 7, 3), np.uint8)})['data_samples']
    assert sample.metainfo == {}
    assert sample.keys() == []


@pytest.mark.usefixtures('mmseg_scope')
def test_pack_restores_the_axis_of_a_single_class() -> None:
    results = make_results(1) | {'seg_fields': ['gt_localization_map']}
    pipeline = [
        {'type': 'Resize', 'scale': (14, 10), 'interpolation': 'nearest'},
        {'type': 'RandomFlip', 'prob': 1.0},
        {'type': 'RandomCrop', 'crop_size': (10, 14)},
    ]
    maps = make_results(1)['gt_localization_map'][..., 0]
    del results['saliency'], results['gt_seg_map']
    sample = Compose([*pipeline, {'type': 'PackDRSInputs'}])(results)['data_samples']
    expected = maps.repeat(2, axis=0).repeat(2, axis=1)[:, ::-1]
    np.testing.assert_array_equal(sample.gt_localization_map.data, expected[None])


@pytest.mark.usefixtures('mmseg_scope')
def test_stock_pad_is_refused() -> None:
    results = make_results() | {'seg_fields': ['gt_localization_map']}
    pipeline = Compose([{'type': 'Pad', 'size': (8, 8)}, {'type': 'PackDRSInputs'}])
    with pytest.raises(ValueError, match=r'a/i\.jpg: .*\(5, 7\).*\(8, 8\).*PadWithMaps'):
        pipeline(results)


@pytest.mark.usefixtures('mmseg_scope')
@pytest.mark.processes
def test_data_loader_with_workers(image_label_cfg: dict, tiny_voc: Path, tmp_path: Path) -> None:
    """Stage 2 of DRS: image, labels, maps and saliency through two workers."""
    rng = np.random.default_rng(0)
    stored = {}
    for n in range(6):
        labels = sorted({n % 3, (n + 1) % 3} if n % 2 else {n % 3})
        stored[f'img_{n}'] = labels, rng.integers(0, 256, (len(labels), 32, 32)).astype(np.uint8)
        write_maps(tmp_path / f'img_{n}.npz', LocalizationMaps(*stored[f'img_{n}'], (40, 48)))
    image_label_cfg['data_prefix'] = {
        'img_path': 'JPEGImages',
        'map_path': str(tmp_path),
        'saliency_path': 'saliency_map',
    }
    pipeline = [
        {'type': 'LoadImageFromFile'},
        {'type': 'LoadSaliencyMap'},
        {'type': 'ResizeWithMaps', 'scale': (32, 32)},
        {'type': 'LoadLocalizationMap'},
        {'type': 'ColorJitter'},
        {'type': 'RandomFlip', 'prob': 0.5},
        {'type': 'PackDRSInputs'},
    ]
    loader = Runner.build_dataloader(
        {
            'batch_size': 3,
            'num_workers': 2,
            'sampler': {'type': 'DefaultSampler', 'shuffle': True},
            'dataset': {'type': 'ImageLabelDataset', **image_label_cfg, 'pipeline': pipeline},
        },
        seed=0,
    )
    samples = [sample for batch in loader for sample in batch['data_samples']]
    assert sorted(sample.img_id for sample in samples) == sorted(stored)
    for sample in samples:
        labels, values = stored[sample.img_id]
        assert np.flatnonzero(sample.img_label).tolist() == labels
        maps = sample.gt_localization_map.data[labels].numpy()
        np.testing.assert_array_equal(maps[..., ::-1] if sample.flip else maps, values)
        assert sample.ori_shape == (40, 48) and sample.img_shape == (32, 32)
        assert sample.saliency.data.shape == (1, 32, 32)
        # One object: its rectangle (columns 4 to 20 of 48) is on the other side after a flip.
        if len(labels) == 1:
            columns = np.flatnonzero(sample.saliency.data.numpy().max(axis=(0, 1)) > 127)
            assert (columns.mean() > 16) == sample.flip
