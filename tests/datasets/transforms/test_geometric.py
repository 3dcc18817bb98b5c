"""Maps stay on their pixels through the geometric transforms of a pipeline."""

import cv2
import numpy as np
import pytest
from mmengine.dataset import Compose

from mmdrs.datasets import RandomScale

pytestmark = pytest.mark.usefixtures('mmseg_scope')

SIZE = (24, 36)


def make_results(num_maps: int) -> dict:
    """An image, and maps that are a function of its pixels (see :func:`maps_of`)."""
    rng = np.random.default_rng(num_maps)
    img = rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8)
    return {
        'img': img,
        'img_shape': SIZE,
        'ori_shape': SIZE,
        'gt_seg_map': img[..., 0].copy(),
        'saliency': img[..., 1].copy(),
        'gt_localization_map': maps_of(img, num_maps),
        'seg_fields': ['gt_seg_map', 'saliency', 'gt_localization_map'],
    }


def maps_of(img: np.ndarray, num_maps: int) -> np.ndarray:
    """Linear functions of the pixels: they commute with interpolation."""
    return np.stack([255 - img[..., n % 3] for n in range(num_maps)], axis=-1)


NEAREST = {'interpolation': 'nearest'}
STOCK = {
    'resize': {'type': 'Resize', 'scale': (50, 31), **NEAREST},
    'ratio': {'type': 'Resize', 'scale': (72, 72), 'keep_ratio': True, **NEAREST},
    'random': {
        'type': 'RandomResize',
        'scale': (40, 40),
        'ratio_range': (1.2, 2.0),
        'keep_ratio': True,
        **NEAREST,
    },
    'flip': {'type': 'RandomFlip', 'prob': 1.0},
    'vertical': {'type': 'RandomFlip', 'prob': 1.0, 'direction': 'vertical'},
    'crop': {'type': 'RandomCrop', 'crop_size': (15, 20)},
}


@pytest.mark.parametrize('num_maps', [5, 20])
@pytest.mark.parametrize('name', STOCK)
def test_stock_transforms_carry_maps(name: str, num_maps: int) -> None:
    before = make_results(num_maps)
    after = Compose([STOCK[name]])(make_results(num_maps))
    assert after['img'].shape != before['img'].shape or (after['img'] != before['img']).any()
    np.testing.assert_array_equal(after['gt_localization_map'], maps_of(after['img'], num_maps))
    np.testing.assert_array_equal(after['saliency'], after['img'][..., 1])
    np.testing.assert_array_equal(after['gt_seg_map'], after['img'][..., 0])


WITH_MAPS = {
    'resize': {'type': 'ResizeWithMaps', 'scale': (50, 31)},
    'smaller': {'type': 'ResizeWithMaps', 'scale': (18, 12)},
    'ratio': {'type': 'ResizeWithMaps', 'scale': (60, 60), 'keep_ratio': True},
    'random': {
        'type': 'RandomResize',
        'scale': (40, 40),
        'ratio_range': (1.2, 2.0),
        'keep_ratio': True,
        'resize_type': 'ResizeWithMaps',
    },
}


@pytest.mark.parametrize('num_maps', [1, 5, 20, 150])
@pytest.mark.parametrize('name', WITH_MAPS)
def test_resize_with_maps_interpolates_as_the_image(name: str, num_maps: int) -> None:
    after = Compose([WITH_MAPS[name]])(make_results(num_maps))
    assert after['img'].shape[:2] != SIZE
    maps = after['gt_localization_map']
    assert maps.dtype == np.uint8
    assert maps.shape == (*after['img'].shape[:2], num_maps)
    np.testing.assert_allclose(maps.astype(int), maps_of(after['img'], num_maps), atol=1)
    np.testing.assert_allclose(after['saliency'].astype(int), after['img'][..., 1], atol=1)
    # Class indices are still taken from the nearest pixel.
    size = after['img'].shape[1::-1]
    nearest = cv2.resize(make_results(1)['gt_seg_map'], size, interpolation=cv2.INTER_NEAREST)
    if num_maps == 1:
        np.testing.assert_array_equal(after['gt_seg_map'], nearest)


def test_resize_with_maps_without_maps() -> None:
    results = {'img': np.zeros((*SIZE, 3), np.uint8), 'seg_fields': []}
    assert set(Compose([WITH_MAPS['resize']])(results)) == {
        'img',
        'seg_fields',
        'scale',
        'scale_factor',
        'img_shape',
        'keep_ratio',
    }


@pytest.mark.parametrize('num_maps', [1, 5, 20, 150])
@pytest.mark.parametrize('kind', [{'size': (48, 30)}, {'size_divisor': 32}])
def test_pad_with_maps(num_maps: int, kind: dict) -> None:
    before = make_results(num_maps)
    pad = {'type': 'PadWithMaps', 'pad_val': {'img': 0, 'seg': 255}, **kind}
    after = Compose([pad])(make_results(num_maps))
    height, width = after['img'].shape[:2]
    assert (height, width) == ((30, 48) if 'size' in kind else (32, 64))
    for key, value in [('gt_localization_map', 0), ('saliency', 0), ('gt_seg_map', 255)]:
        assert after[key].shape == (height, width, *before[key].shape[2:])
        np.testing.assert_array_equal(after[key][: SIZE[0], : SIZE[1]], before[key])
        assert (after[key][SIZE[0] :] == value).all()
        assert (after[key][:, SIZE[1] :] == value).all()


def test_set_output_shape() -> None:
    results = Compose([{'type': 'Resize', 'scale': (16, 16)}, {'type': 'SetOutputShape'}])(
        {**make_results(5), 'ori_shape': SIZE}
    )
    assert results['ori_shape'] == (16, 16) == results['img_shape']


@pytest.mark.parametrize('arguments', [{'factors': (0.5,)}, {'factor_range': (0.5, 0.5)}])
def test_random_scale_is_relative_to_the_image(arguments: dict) -> None:
    results = RandomScale(**arguments)(make_results(3))
    assert results['img'].shape == (12, 18, 3) and results['gt_seg_map'].shape == (12, 18)
    assert results['scale'] == (18, 12)


def test_random_scale_draws() -> None:
    np.random.seed(0)
    chosen = {RandomScale(factors=(0.5, 1.0, 1.5))(make_results(1))['scale'] for _ in range(30)}
    assert chosen == {(18, 12), (36, 24), (54, 36)}
    drawn = [RandomScale(factor_range=(0.5, 2.0))(make_results(1))['scale'][0] for _ in range(30)]
    assert 18 <= min(drawn) < 30 and 50 < max(drawn) <= 72
    for wrong in ({}, {'factors': (1,), 'factor_range': (1, 2)}):
        with pytest.raises(ValueError, match='either factors or factor_range'):
            RandomScale(**wrong)
