"""Loading of localization maps and saliency maps."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.datasets import LoadLocalizationMap, LoadSaliencyMap
from mmdrs.models.utils.cam import resize_array
from mmdrs.pseudo_labels.map_file import LocalizationMaps, read_maps, write_maps


def results_of(path: Path, labels: list[int], size: tuple[int, int] = (6, 8)) -> dict:
    img_label = np.zeros(5, np.float32)
    img_label[labels] = 1
    return {
        'img': np.zeros((*size, 3), np.uint8),
        'img_path': 'i.jpg',
        'ori_shape': (6, 8),
        'img_label': img_label,
        'map_path': str(path),
        'saliency_path': str(path),
        'seg_fields': [],
    }


@pytest.fixture
def levels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 6, 8)).astype(np.uint8)


def test_maps_go_to_their_classes(tmp_path: Path, levels: np.ndarray) -> None:
    path = tmp_path / 'i.npz'
    write_maps(path, LocalizationMaps((1, 4), levels, (6, 8)))
    results = LoadLocalizationMap()(results_of(path, [1, 4]))
    maps = results['gt_localization_map']
    assert maps.shape == (6, 8, 5)
    assert maps.dtype == np.uint8
    np.testing.assert_array_equal(maps[..., [1, 4]], levels.transpose(1, 2, 0))
    assert not maps[..., [0, 2, 3]].any()
    assert results['seg_fields'] == ['gt_localization_map']


def test_maps_take_the_present_size_of_the_image(tmp_path: Path) -> None:
    path = tmp_path / 'i.npz'
    ramp = np.array([[[0, 100], [100, 200]]], np.uint8)
    write_maps(path, LocalizationMaps((2,), ramp, (6, 8)))
    maps = LoadLocalizationMap()(results_of(path, [2], size=(4, 4)))['gt_localization_map']
    # Bilinear by hand, the corners of both at one place.
    at = np.arange(4) / 3
    np.testing.assert_allclose(maps[..., 2], 100 * (at[:, None] + at[None, :]), atol=0.51)
    # As the same maps are resized for the pseudo labels.
    resized = resize_array(read_maps(path).floats(), (4, 4))[0]
    np.testing.assert_allclose(maps[..., 2], 255 * resized, atol=0.51)


def test_scaled_levels_are_clipped(tmp_path: Path) -> None:
    path = tmp_path / 'i.npz'
    stored = np.array([[[0, 1, 100, 200, 255]]], np.uint8)
    write_maps(path, LocalizationMaps((0,), stored, (6, 8), scale=1.5))
    maps = LoadLocalizationMap()(results_of(path, [0], size=(1, 5)))['gt_localization_map']
    assert maps[0, :, 0].tolist() == [0, 2, 150, 255, 255]


def test_image_without_labels_may_have_predicted_classes(
    tmp_path: Path, levels: np.ndarray
) -> None:
    path = tmp_path / 'i.npz'
    write_maps(path, LocalizationMaps((0, 3), levels, (6, 8)))
    maps = LoadLocalizationMap()(results_of(path, []))['gt_localization_map']
    np.testing.assert_array_equal(maps[..., 3], levels[1])


@pytest.mark.parametrize(
    ('stored', 'labels', 'original', 'words'),
    [
        ((0, 1), [0], (6, 8), 'classes [0, 1], but the image is labelled [0] of 5'),
        ((0, 1), [0, 1, 2], (6, 8), 'classes [0, 1], but the image is labelled [0, 1, 2]'),
        ((0, 7), [], (6, 8), 'classes [0, 7], but the image is labelled [] of 5'),
        ((0, 1), [0, 1], (8, 6), 'from an image of 6 x 8, but i.jpg is 8 x 6'),
    ],
)
def test_stale_maps(
    tmp_path: Path,
    levels: np.ndarray,
    stored: tuple[int, ...],
    labels: list[int],
    original: tuple[int, int],
    words: str,
) -> None:
    path = tmp_path / 'i.npz'
    write_maps(path, LocalizationMaps(stored, levels, original))
    with pytest.raises(ValueError) as error:
        LoadLocalizationMap()(results_of(path, labels))
    assert str(path) in str(error.value)
    assert words in str(error.value)


def test_missing_map_and_wrong_place(tmp_path: Path) -> None:
    results = results_of(tmp_path / 'i.npz', [0])
    with pytest.raises(FileNotFoundError, match=r'i\.npz'):
        LoadLocalizationMap()(results)
    with pytest.raises(ValueError, match='before RandomFlip'):
        LoadLocalizationMap()(results | {'flip': True})


@pytest.mark.parametrize('mode', ['L', 'RGB', '1'])
def test_saliency(tmp_path: Path, mode: str, levels: np.ndarray) -> None:
    values = levels[0] if mode != '1' else np.where(levels[0] > 127, 255, 0).astype(np.uint8)
    Image.fromarray(values).convert(mode).save(tmp_path / 's.png')
    # After Resize, as LoadAnnotations in a test pipeline, the map keeps the image's size.
    for size in [(6, 8), (3, 3)]:
        results = LoadSaliencyMap()(results_of(tmp_path / 's.png', [0], size=size))
        assert results['saliency'].dtype == np.uint8
        np.testing.assert_array_equal(results['saliency'], values)
        assert results['seg_fields'] == ['saliency']


def test_saliency_of_another_size(tmp_path: Path) -> None:
    path = tmp_path / 's.png'
    Image.new('L', (6, 8)).save(path)
    with pytest.raises(ValueError, match=r's\.png is 6 x 8, but its image is 8 x 6'):
        LoadSaliencyMap()(results_of(path, [0]))
