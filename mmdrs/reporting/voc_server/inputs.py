"""What an upload is made for: the images of the test set."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from mmdrs.datasets.file_checks import FolderIndex, read_header
from mmdrs.datasets.formats.image_labels import Step
from mmdrs.datasets.formats.label_lists import read_id_list
from mmdrs.errors import InputError, MissingFileError
from mmdrs.reporting.voc_server.faults import Faults

TEST_IMAGES = 1456
"""Number of images in the test set of VOC 2012's segmentation task."""

MISSING = 'missing images'


def read_test_ids(path: str | Path) -> list[str]:
    """Read the ids of a list such as ``ImageSets/Segmentation/test.txt``, sorted.

    Raises:
        MissingFileError: If there is no such list.
        InputError: If it holds no ids, one twice, or one with a folder.
    """
    ids = sorted(image.id.removesuffix('.jpg') for image in read_id_list(path))
    for name in ids:
        if '/' in name or '\\' in name:
            raise InputError(f"{path}: the id '{name}' has a folder; ids of VOC have none")
    for name, count in Counter(ids).items():
        if count > 1:
            raise InputError(f"{path}: the id '{name}' is there with and without .jpg")
    return ids


def read_sizes(
    image_dir: str | Path, ids: Sequence[str], step: Step = lambda done, total: None
) -> dict[str, tuple[int, int]]:
    """Read height and width of ``<id>.jpg`` for every id; only file headers are read.

    Args:
        image_dir: ``JPEGImages`` of VOC 2012's test data.
        ids: Image ids.
        step: Is told of the progress.

    Returns:
        (height, width) by id, in the order of the ids.

    Raises:
        MissingFileError: If the folder or images are missing; names the first and counts all.
        InputError: If images cannot be read.
    """
    folder, index, faults = existing_folder(image_dir, 'images'), FolderIndex(), Faults()
    sizes = {}
    for done, name in enumerate(ids, 1):
        path = str(folder / f'{name}.jpg')
        if not index.exists(path):
            faults.add(MISSING, f'{name}.jpg')
            continue
        try:
            sizes[name] = read_header(path)[:2]
        except InputError as error:
            faults.add('unreadable images', str(error))
        step(done, len(ids))
    if faults:
        kind = MissingFileError if faults.of(MISSING) else InputError
        raise kind(
            f'{image_dir} does not fit the list of {len(ids)} images (test images are in '
            f'VOC2012test.tar, not in VOCtrainval):\n{faults.text()}'
        )
    return sizes


def unlisted(predictions: str | Path, ids: Collection[str]) -> int:
    """Return the number of PNG files of a folder that are no prediction of a listed image."""
    listed = set(ids)
    return sum(path.stem not in listed for path in Path(predictions).glob('*.png'))


def existing_folder(path: str | Path, what: str) -> Path:
    if not Path(path).is_dir():
        raise MissingFileError(f'{path}: no such folder; it must hold the {what}')
    return Path(path)
