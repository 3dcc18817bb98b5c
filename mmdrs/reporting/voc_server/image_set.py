"""The images of the test set, for which an upload is made."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from mmdrs.datasets.file_checks import check_exist, existing_folder, read_header
from mmdrs.datasets.formats import Step, read_id_list
from mmdrs.errors import InputError

TEST_IMAGES = 1456
"""Number of images in the test set of VOC 2012's segmentation task."""


def read_test_ids(path: str | Path) -> list[str]:
    """Read the ids of a list such as ``ImageSets/Segmentation/test.txt``, sorted.

    Raises:
        MissingFileError: If there is no such list.
        InputError: If it holds no ids, one twice, or one with a folder.
    """
    ids = sorted(image.id.removesuffix('.jpg') for image in read_id_list(path))
    for name, count in Counter(ids).items():
        if '/' in name or '\\' in name:
            raise InputError(f"{path}: the id '{name}' has a folder; ids of VOC have none")
        if count > 1:
            raise InputError(f"{path}: the id '{name}' is there with and without .jpg")
    return ids


def read_sizes(
    image_dir: str | Path, ids: Sequence[str], step: Step = lambda done, total: None
) -> dict[str, tuple[int, int]]:
    """Read (height, width) of ``<id>.jpg`` by id; only file headers are read.

    Args:
        image_dir: ``JPEGImages`` of VOC 2012's test data.
        ids: Image ids.
        step: Reports the progress.

    Raises:
        MissingFileError: If the folder or images are missing; names the first and counts all.
        InputError: If an image cannot be read.
    """
    folder = existing_folder(image_dir, 'images')
    paths = [str(folder / f'{name}.jpg') for name in ids]
    hint = 'Test images are in VOC2012test.tar, not in VOCtrainval.'
    check_exist({str(folder): paths}, {str(folder): hint})
    sizes = {}
    for name, path in zip(ids, paths, strict=True):
        sizes[name] = read_header(path)[:2]
        step(len(sizes), len(ids))
    return sizes


def unlisted(predictions: str | Path, ids: Collection[str]) -> int:
    """Return the number of PNG files of a folder that are no prediction of a listed image."""
    listed = set(ids)
    return sum(path.stem not in listed for path in Path(predictions).glob('*.png'))
