"""Ids of listed images: below the output folder, whatever the list holds."""

import pytest

from mmdrs.datasets import ImageLabels
from mmdrs.datasets.image_ids import listed_ids


@pytest.mark.parametrize(
    ('listed', 'ids'),
    [
        (['a', 'b.jpg', 'c.JPG', 'd.png', 'e.tif'], ['a', 'b', 'c', 'd', 'e.tif']),
        (['x/a.jpg', './y/a.jpg'], ['x/a', 'y/a']),
        (['/data/images/a.jpg', '/data/images/x/b.jpg'], ['a', 'x/b']),  # the image folder
        (['/data/images/a.jpg', '/data/more/b.jpg'], ['images/a', 'more/b']),  # the data root
        (['/data/images/a.jpg', '/mnt/b.jpg'], ['data/images/a', 'mnt/b']),
        (['/mnt/x/a.jpg', '/mnt/y/../y/a.jpg', 'b.jpg'], ['x/a', 'y/a', 'b']),  # in common
        (['/data/images-2/a.jpg'], ['images-2/a']),
    ],
)
def test_ids(listed: list[str], ids: list[str]) -> None:
    images = [ImageLabels(name, ()) for name in listed]
    assert listed_ids(images, '/data/images', '/data', ('.jpg', '.png')) == ids
