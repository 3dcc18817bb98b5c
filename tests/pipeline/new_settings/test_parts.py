"""Training and validation images of a folder with and without masks."""

import pytest

from mmdrs.datasets import ImageLabels
from mmdrs.datasets.label_formats.labelled import LabelledImages
from mmdrs.errors import InputError
from mmdrs.pipeline.new_settings.parts import Parts, choose_parts
from mmdrs.pipeline.new_settings.survey import MapFolder

PETS = tuple(ImageLabels(f'{n}.jpg', (n % 2,)) for n in range(50))


def choose(share: float | None = None, masks: int = 0, fault: str = '', given: int = 0) -> Parts:
    """With masks of the last so many images, of which so many are for validation."""
    ids = frozenset(str(n) for n in range(50 - masks, 50))
    held_out = frozenset(image.id for image in PETS[50 - given :]) if given else frozenset()
    labelled = LabelledImages(PETS, ('cat', 'dog'), held_out=held_out)
    return choose_parts(labelled, MapFolder('m', ids, fault) if masks else None, share, 0)


def test_without_masks_all_images_are_for_training() -> None:
    for found in (choose(), choose(masks=50, fault='colours'), choose(0.0, masks=50)):
        assert (len(found.train), len(found.val)) == (50, 0)
    assert choose(0.0, masks=50).train_masks and not choose().train_masks
    found = choose(0.3)
    assert (len(found.train), len(found.val), found.val_masks) == (35, 15, False)


def test_a_fifth_is_for_scores_where_there_are_masks() -> None:
    found = choose(masks=50)
    assert (len(found.train), len(found.val)) == (40, 10)
    assert found.train_masks and found.val_masks
    assert {*found.train} | {*found.val} == {*PETS}


def test_masks_of_some_images() -> None:
    """They are for scores, but at most half of them: the others may be of no use."""
    found = choose(masks=30)
    assert (len(found.train), len(found.val)) == (40, 10)
    assert found.val_masks and not found.train_masks
    assert {image.id for image in found.val} <= {f'{n}.jpg' for n in range(20, 50)}
    assert len(choose(masks=8).val) == 4


def test_validation_images_of_the_source() -> None:
    found = choose(given=5)
    assert (len(found.train), len(found.val), found.val_masks) == (45, 5, False)
    found = choose(given=5, masks=5)
    assert found.val_masks and not found.train_masks
    with pytest.raises(InputError, match='leave out --split'):
        choose(0.2, given=5)
