"""Training and validation images."""

from collections import Counter

import pytest

from mmdrs.datasets import ImageLabels
from mmdrs.datasets.label_formats.labelled import LabelledImages
from mmdrs.datasets.label_formats.splitting import drawn_split, given_split


@pytest.mark.parametrize('seed', range(5))
def test_every_combination_of_labels_gives_its_share(seed: int) -> None:
    groups = {(0,): 50, (1,): 20, (0, 1): 10, (): 5}
    images = [
        ImageLabels(f'{labels}-{n}', labels)
        for labels, count in groups.items()
        for n in range(count)
    ]
    train, val = drawn_split(images, 0.2, seed)
    counts = Counter(image.labels for image in val)
    assert len(val) == 17 and sorted(train + val, key=images.index) == images
    for labels, count in groups.items():
        assert abs(counts[labels] - count / 5) < 1
    assert drawn_split(images, 0.2, seed) == (train, val)
    assert drawn_split(images, 0.2, seed + 1)[1] != val


def test_last_image_of_a_class_is_for_training() -> None:
    images = [ImageLabels(str(n), (n,)) for n in range(4)] + [ImageLabels('x', (0,))]
    for seed in range(5):
        train, val = drawn_split(images, 0.9, seed)
        assert {label for image in train for label in image.labels} == {0, 1, 2, 3}
        assert len(val) <= 1


@pytest.mark.parametrize(
    ('ids', 'held_out', 'train', 'val', 'test'),
    [
        (['train/a', 'valid/b', 'test/c'], '', 'train/a', 'valid/b', 'test/c'),
        (['train/a', 'test/c'], '', 'train/a', 'test/c', ''),
        (['images/train/a', 'images/val/b'], '', 'images/train/a', 'images/val/b', ''),
        (['a', 'b'], 'b', 'a', 'b', ''),
        (['val/a', 'val/b'], '', 'val/a val/b', '', ''),  # of one part alone
    ],
)
def test_split_of_the_source(ids, held_out, train, val, test) -> None:
    images = tuple(ImageLabels(name, (0,)) for name in ids)
    found = given_split(LabelledImages(images, ('cat',), held_out=frozenset({held_out})))
    names = {part: ' '.join(image.id for image in items) for part, items in found.items()}
    assert names == dict(train=train, val=val, test=test)
