"""Sizes and schedules for a number of images."""

import math

import pytest

from mmdrs.pipeline.new_settings.recipe import EPOCHS, SEEN, SIDES, choose_recipe


def test_sixty_photographs() -> None:
    found = choose_recipe(60, [(480, 640), (640, 480), (480, 640)])
    assert (found.crop, found.resize, found.map_scales) == (192, 232, (160, 192, 224))
    assert found.batch_size == 4
    assert found.epochs == dict(pretraining=30, classifier=20, refinement=15, segmentation=20)
    assert found.milestones('refinement', (1 / 3, 2 / 3)) == [5, 10]


def test_thousands_of_photographs_take_the_template() -> None:
    found = choose_recipe(5000, [(375, 500)])
    assert (found.crop, found.resize, found.map_scales) == (320, 384, (256, 320, 384))
    assert (found.batch_size, found.epochs) == (8, EPOCHS[1])


@pytest.mark.parametrize('side', [20, 64, 100, 200, 500])
def test_inputs_are_not_larger_than_images_need(side: int) -> None:
    found = choose_recipe(60, [(side, 3 * side)] * 5)
    assert found.crop % 32 == 0 and 64 <= found.crop <= SIDES[0]
    assert found.crop <= max(64, side)
    assert found.resize > found.crop >= found.map_scales[0] >= 32


@pytest.mark.parametrize('images', [*range(1, 70), 199, 200, 201, 999])
def test_batches_and_epochs(images: int) -> None:
    found = choose_recipe(images, [(300, 300)])
    assert 1 <= found.batch_size <= images
    for name, epochs in found.epochs.items():
        assert epochs * images >= SEEN[name]
        assert epochs == math.ceil(SEEN[name] / images) or epochs == EPOCHS[images > 200][name]
        assert found.milestones(name, (0.01, 0.5))[0] >= 1
