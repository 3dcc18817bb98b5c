"""Packing predictions for the images of the test set into an archive for the server."""

import gzip
import io
import tarfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmdrs.datasets.file_checks import check_exist, existing_folder
from mmdrs.datasets.label_lists import read_id_list
from mmdrs.engine import Progress
from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.pseudo_labels.image_file import read_header
from voc_server.checking import check_submission
from voc_server.faults import Faults, refuse, submission_folder
from voc_server.label_pngs import palette_png, read_prediction

#: Number of images in the test set of VOC 2012's segmentation task.
TEST_IMAGES = 1456
_PACKED = 1325376000  # 2012-01-01; GNU tar complains of files from 1970


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


def read_sizes(image_dir: str | Path, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Read (height, width) of ``<id>.jpg`` by id from file headers.

    Raises:
        MissingFileError: If the folder or images are missing; names the first and counts all.
        InputError: If an image cannot be read.
    """
    folder = existing_folder(image_dir, 'images')
    paths = [str(folder / f'{name}.jpg') for name in ids]
    hint = 'Test images are in VOC2012test.tar, not in VOCtrainval.'
    check_exist({str(folder): paths}, {str(folder): hint})
    sizes, progress = {}, Progress('sizes')
    for name, path in zip(ids, paths, strict=True):
        sizes[name] = read_header(path)[:2]
        progress.step(len(sizes), len(ids))
    return sizes


def pack_submission(
    predictions: str | Path,
    out: str | Path,
    sizes: Mapping[str, tuple[int, int]],
    challenge: str = 'comp6',
) -> None:
    """Pack predictions into an archive for the server, and check it.

    Equal predictions give equal bytes, whatever the modes, times and order of their files (with
    the same versions of Pillow and zlib).

    Args:
        predictions: Folder of ``<id>.png`` with class indices 0..20, grey or palette.
        out: The archive, ``*.tar.gz`` or ``*.tgz``; one that is there is replaced.
        sizes: (height, width) of the image by id, as of :func:`read_sizes`.
        challenge: One of :data:`.CHALLENGES`.

    Raises:
        MissingFileError: If there is no such folder.
        InputError: If predictions are missing, unreadable, in colour, of another size than their
            image or hold a value above 20; counts all. Nothing is written then.
    """
    folder = submission_folder(challenge)
    if not str(out).endswith(('.tar.gz', '.tgz')):
        raise InputError(f'{out}: the archive is a .tar.gz; give it that ending, or .tgz')
    source = existing_folder(predictions, 'predictions, <id>.png, that tools/test.py --out wrote')
    faults: Faults = defaultdict(list)
    pngs, progress = {}, Progress('pack')
    for done, name in enumerate(sorted(sizes), 1):  # some kilobytes each: all fit in memory
        label = read_prediction(source / f'{name}.png', sizes[name], faults)
        if label is not None:
            pngs[f'{folder}/{name}.png'] = palette_png(label)
        progress.step(done, len(sizes))
    note = f' in the predictions of {len(sizes)} images; nothing was written'
    refuse(faults, predictions, note)
    with written_whole(out) as temporary:
        _write_tar(temporary, pngs)
        check_submission(temporary, list(sizes), sizes, challenge)


def _write_tar(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files in their order, with nothing of this machine or of today."""
    with (
        path.open('wb') as stream,
        gzip.GzipFile(filename='', mode='wb', fileobj=stream, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode='w', format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name, data in files.items():
            info = tarfile.TarInfo(name)  # its owner and group are 0 and have no names
            info.size, info.mtime, info.mode = len(data), _PACKED, 0o644
            tar.addfile(info, io.BytesIO(data))


def unlisted(predictions: str | Path, ids: Sequence[str]) -> int:
    """The number of PNG files in a folder that are no prediction of a listed image."""
    return len({path.stem for path in Path(predictions).glob('*.png')} - set(ids))
