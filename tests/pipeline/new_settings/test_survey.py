"""Masks and saliency maps in a folder of photographs."""

import re
from pathlib import Path

import pytest

from mmdrs.datasets import ImageLabels
from mmdrs.datasets.label_formats.labelled import list_files
from mmdrs.pipeline.new_settings.survey import MapFolder, find_masks, find_saliency, spread
from tests.datasets.label_formats.test_masks import save

IMAGES = [ImageLabels('x/1.JPG', (0,)), ImageLabels('2.png', (0, 1)), ImageLabels('3.jpg', ())]


def masks(root: Path, *values: list, mode: str = 'L', folder: str = 'SegmentationClass') -> None:
    for image, row in zip(IMAGES, values, strict=False):
        save(root / folder / f'{image.id[:-4]}.png', row, mode)


def found(root: Path) -> MapFolder | None:
    return find_masks(root, list_files(root), IMAGES, ('cat', 'sea lion'))


def test_masks_of_the_most_images(tmp_path: Path) -> None:
    assert found(tmp_path) is None
    masks(tmp_path, [0, 1, 255], [1, 2, 0])
    masks(tmp_path, [0, 1], folder='data/masks')
    save(tmp_path / 'masks' / 'other.png', [0, 1])
    assert found(tmp_path) == MapFolder('SegmentationClass', frozenset({'x/1', '2'}))
    masks(tmp_path, [0, 1], [1, 2], [0, 0], folder='data/masks')
    assert found(tmp_path) == MapFolder('data/masks', frozenset({'x/1', '2', '3'}))


@pytest.mark.parametrize(
    ('values', 'mode', 'fault'),
    [
        ([[0, 2], [2, 3], [0, 0]], 'L', 'the value 3, but there are 2 classes'),
        ([[0, 2], [2, 2], [1, 0]], 'L', 'of 3 of 3 masks are not the labels .* --classes'),
        ([[0, 255], [0, 0], [0, 0]], 'L', '0 and 255, where 255 means ignored'),
        ([[0, 1], [1, 2], [0, 0]], 'RGB', r'2\.png is a picture of colours'),
    ],
)
def test_masks_that_cannot_be_scored_with(
    values: list, mode: str, fault: str, tmp_path: Path
) -> None:
    masks(tmp_path, *values, mode=mode)
    assert re.search(fault, found(tmp_path).fault)


def test_saliency_maps_are_for_all_images(tmp_path: Path) -> None:
    masks(tmp_path, [0, 9], [9, 9], folder='saliency_map')
    maps = find_saliency(list_files(tmp_path), IMAGES)
    assert maps.fault == '1 of 3 images have none'
    masks(tmp_path, [0, 9], [9, 9], [0, 0], folder='saliency_map')
    ids = frozenset({'x/1', '2', '3'})
    assert find_saliency(list_files(tmp_path), IMAGES) == MapFolder('saliency_map', ids)


@pytest.mark.parametrize('count', [0, 1, 5, 6, 99])
def test_spread(count: int) -> None:
    items = list(range(count))
    assert len(spread(items, 5)) == min(count, -(-count // -(-count // 5)) if count else 0)
    assert spread(items, 5)[:1] == items[:1]
