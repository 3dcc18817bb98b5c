"""Colour operations, against Pillow's and colorsys'."""

import colorsys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from mmdrs.datasets import ColorJitter
from mmdrs.datasets.transforms import color_jitter
from mmdrs.datasets.transforms.color_jitter import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
)


@pytest.fixture
def img() -> np.ndarray:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (23, 31, 3)).astype(np.uint8)
    noise[:4] = rng.integers(0, 256, (4, 31, 1))  # grey pixels have no hue
    noise[4, :2] = [[0, 0, 0], [255, 255, 255]]
    return noise


@pytest.mark.parametrize('factor', [0.7, 0.93, 1.0, 1.3])
@pytest.mark.parametrize(
    ('adjust', 'enhance'),
    [
        (adjust_brightness, ImageEnhance.Brightness),
        (adjust_contrast, ImageEnhance.Contrast),
        (adjust_saturation, ImageEnhance.Color),
    ],
)
def test_same_as_pillow(img: np.ndarray, adjust, enhance, factor: float) -> None:
    expected = enhance(Image.fromarray(img[..., ::-1].copy())).enhance(factor)
    difference = adjust(img, factor).astype(int) - np.asarray(expected)[..., ::-1]
    # Saturation: Pillow truncates, OpenCV rounds, and their greys differ by at most 1.
    assert np.abs(difference).max() <= (1 if adjust is adjust_saturation else 0)


@pytest.mark.parametrize('shift', [-0.1, 0.0, 0.037, 0.5])
def test_hue_same_as_colorsys(img: np.ndarray, shift: float) -> None:
    expected = np.empty(img.shape)
    for place in np.ndindex(img.shape[:2]):
        blue, green, red = img[place] / 255
        hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
        expected[place] = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)[::-1]
    np.testing.assert_allclose(adjust_hue(img, shift), expected * 255, atol=0.51)


def test_factors_are_uniform_and_the_order_random(
    img: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, float]] = []

    def recorder(name: str):
        return lambda image, factor: seen.append((name, factor)) or image

    names = [name for name, _ in color_jitter._OPERATIONS]
    monkeypatch.setattr(color_jitter, '_OPERATIONS', tuple((n, recorder(n)) for n in names))
    np.random.seed(0)
    jitter = ColorJitter(brightness=0.1, contrast=0.2, saturation=0.3, hue=0.4)
    for _ in range(2000):
        jitter({'img': img})
    orders = {tuple(name for name, _ in seen[n : n + 4]) for n in range(0, 8000, 4)}
    assert len(orders) == 24
    for name, low, high in [
        ('brightness', 0.9, 1.1),
        ('contrast', 0.8, 1.2),
        ('saturation', 0.7, 1.3),
        ('hue', -0.4, 0.4),
    ]:
        factors = [factor for key, factor in seen if key == name]
        assert len(factors) == 2000
        span = high - low
        assert low <= min(factors) < low + 0.01 * span
        assert high - 0.01 * span < max(factors) <= high
        assert abs(np.mean(factors) - (low + high) / 2) < 0.02 * span


def test_same_seed_same_image(img: np.ndarray) -> None:
    images = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        images.append(ColorJitter()({'img': img.copy()})['img'])
    np.testing.assert_array_equal(images[0], images[1])
    assert images[0].dtype == np.uint8
    assert (images[0] != images[2]).any()


def test_zero_switches_off(img: np.ndarray) -> None:
    off = ColorJitter(0, 0, 0, 0)({'img': img.copy()})['img']
    np.testing.assert_array_equal(off, img)


def test_errors(img: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r'hue must be in \[0, 0\.5\], got 0\.6'):
        ColorJitter(hue=0.6)
    with pytest.raises(ValueError, match=r'contrast must be in \[0, 1\], got 1\.5'):
        ColorJitter(contrast=1.5)
    with pytest.raises(ValueError, match=r'got float32 .* for a\.jpg'):
        ColorJitter()({'img': img.astype(np.float32), 'img_path': 'a.jpg'})


def test_hues_within_a_turn() -> None:
    """As the remainder, to the last bit, at the ends as well."""
    ends = np.array([-360, -359.99997, -1e-5, 0, 359.99997, 360, 719.9999], np.float32)
    random = np.random.default_rng(0).uniform(-360, 720, 100_000).astype(np.float32)
    hues = np.concatenate([ends, random])
    np.testing.assert_array_equal(color_jitter._within_a_turn(hues), hues % np.float32(360))
