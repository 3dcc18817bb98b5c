"""The folder and the endings of the images of labels."""

import pytest

from mmdrs.datasets import ImageLabels
from mmdrs.datasets.label_formats.labelled import LabelledImages
from mmdrs.datasets.label_formats.locating import locate_images
from mmdrs.errors import InputError, MissingFileError


def labelled(*ids: str, held_out: str = '') -> LabelledImages:
    images = tuple(ImageLabels(name, (0,)) for name in ids)
    return LabelledImages(images, ('cat',), held_out=frozenset({held_out} - {''}))


def test_folder_with_the_images_and_their_endings(files) -> None:
    root = files(
        {
            'JPEGImages/a.JPG': b'',
            'JPEGImages/x/b.png': b'',
            'SegmentationClass/a.png': b'',
            'other/a.jpg': b'',
        }
    )
    found = locate_images(labelled('a', 'x/b', held_out='a'), root)
    assert found.folder == root / 'JPEGImages'
    assert [image.id for image in found.labelled.images] == ['a.JPG', 'x/b.png']
    assert found.labelled.held_out == {'a.JPG'}
    # The folder of the user; paths of another machine; a mask beside its image.
    files({'mine/a.jpeg': b'', 'mine/a.png': b''})
    found = locate_images(labelled('home/me/pets/a.jpg'), root, root / 'mine')
    assert [image.id for image in found.labelled.images] == ['a.jpeg']


def test_images_in_several_folders(files) -> None:
    root = files({'train2017/1.jpg': b'', 'val2017/2.jpg': b'', 'val2017/3.jpg': b''})
    found = locate_images(labelled('annotations/1.jpg', 'annotations/2.jpg'), root)
    assert found.folder == root
    assert [image.id for image in found.labelled.images] == ['train2017/1.jpg', 'val2017/2.jpg']


def test_images_that_are_missing_or_meet(files) -> None:
    root = files({'images/1.jpg': b'', 'a/2.jpg': b'', 'b/2.jpg': b''})
    with pytest.raises(MissingFileError, match=r'2 of 3 images are missing.*\n  2\n  3\nGive'):
        locate_images(labelled('1', '2', '3'), root)
    with pytest.raises(MissingFileError, match='none: no such folder of images'):
        locate_images(labelled('1'), root, root / 'none')
    with pytest.raises(InputError, match=r"'1' and 'x/1\.jpg' are one image"):
        locate_images(labelled('1', 'x/1.jpg'), root)
