"""Pixel-adaptive refinement: the authors' values, the equation, and its memory."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.par import PAR, neighbour_weights, pixel_adaptive_refinement
from mmdrs.pseudo_labels.rules import LabelRules
from tests.parity.golden import GoldenFolder


@pytest.mark.parametrize('case', 'abc')
def test_values_of_the_authors_code(golden: GoldenFolder, case: str) -> None:
    values = golden.load('par')
    images, maps, expected = (
        torch.from_numpy(values[f'{case}_{name}']) for name in ('images', 'masks', 'refined')
    )
    dilations = values[f'{case}_dilations'].tolist()
    found = pixel_adaptive_refinement(images, maps, dilations, int(values[f'{case}_iterations']))
    assert_close(found, expected, rtol=1e-5, atol=0)


def test_weights_are_the_equation() -> None:
    """One pixel, its neighbours at two distances, in plain numbers; borders are repeated."""
    image = np.random.default_rng(0).integers(0, 256, (7, 6, 3)).astype(float)
    dilations, y, x = (1, 3), 1, 4
    steps = [
        (d, dy, dx)
        for d in dilations
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
        if (dy, dx) != (0, 0)
    ]
    places = [(np.clip(y + d * dy, 0, 6), np.clip(x + d * dx, 0, 5)) for d, dy, dx in steps]
    neighbours = np.array([image[place] for place in places])  # (16, 3)
    deviation = neighbours.std(axis=0, ddof=1) + 1e-8
    colour = -(((neighbours - image[y, x]) / deviation / 0.3) ** 2).mean(axis=1)
    distances = np.array([d * np.sqrt(dy**2 + dx**2) for d, dy, dx in steps])
    position = -((distances / (distances.std(ddof=1) + 1e-8) / 0.3) ** 2)
    expected = np.exp(colour) / np.exp(colour).sum()
    expected += 0.01 * np.exp(position) / np.exp(position).sum()
    images = torch.from_numpy(image).permute(2, 0, 1)[None]
    found = neighbour_weights(images, dilations)[0, :, y, x]
    assert_close(found, torch.from_numpy(expected), rtol=1e-9, atol=1e-12)


def test_maps_stop_at_the_edges_of_the_image() -> None:
    """A map that covers a part of a bright square spreads over it, and not beyond."""
    image = np.full((40, 40, 3), 30, np.uint8)
    image[10:30, 10:30] = 220
    image += np.random.default_rng(0).integers(0, 6, image.shape, np.uint8)
    maps = np.zeros((1, 40, 40), np.float32)
    maps[0, 14:26, 14:26] = 1
    for downscale in (1, 2):
        refined = PAR(downscale=downscale).refine(image, maps)[0]
        assert refined.shape == (40, 40)
        assert refined[11:29, 11:29].mean() > 0.3 > 0.08 > refined[:8].max()


def test_an_even_map_stays_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    maps = np.full((2, 20, 30), 0.4, np.float32)
    np.testing.assert_allclose(PAR(iterations=20).refine(image, maps), maps, rtol=1e-5)


def test_no_class_is_no_map() -> None:
    empty = np.zeros((0, 5, 6), np.float32)
    assert PAR().refine(np.zeros((5, 6, 3), np.uint8), empty).shape == (0, 5, 6)


def test_neighbours_are_not_held() -> None:
    """48 neighbours of 21 maps of 500 x 375 take 756 MB."""
    code = """
import resource, torch
from mmdrs.pseudo_labels.par import pixel_adaptive_refinement
images, maps = torch.rand(1, 3, 375, 500) * 255, torch.rand(1, 21, 375, 500)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pixel_adaptive_refinement(images, maps, (1, 2, 4, 8, 12, 24), 1)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000)
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 250


@pytest.mark.parametrize(
    ('config', 'message'),
    [
        (dict(type='CRF'), "refine has no type 'CRF', only PAR; .* in custom_imports"),
        (dict(iteration=3), "refine has no 'iteration', .*did you mean 'iterations'"),
        (dict(iterations=0), 'refine: iterations must be a whole number from 1, got 0'),
        (dict(downscale=1.5), 'refine: downscale must be a whole number from 1, got 1.5'),
        (dict(dilations=[1, -2]), r'refine: dilations\[1\] must be a whole number from 1, got -2'),
        (dict(dilations=[]), 'refine: dilations must not be empty'),
    ],
)
def test_wrong_configs(config: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LabelRules.from_config(dict(refine=config))
