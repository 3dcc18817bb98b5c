"""Finding all that is wrong with an archive for the server."""

import posixpath
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmdrs.archives import archive_members, printable, reading_archive
from mmdrs.engine import Progress
from mmdrs.errors import InputError, MissingFileError
from mmdrs.reporting.voc_server.archive_tree import (
    MISSING,
    UNREADABLE,
    Faults,
    check_tree,
    image_id,
    submission_folder,
)
from mmdrs.reporting.voc_server.label_pngs import check_png

_ZIP = (b'PK\x03\x04', b'PK\x05\x06')
_LARGEST_FILE = 2**24  # bytes; labels of VOC have some thousand


def check_submission(
    archive: str | Path,
    ids: Sequence[str],
    sizes: Mapping[str, tuple[int, int]] | None = None,
    challenge: str = 'comp6',
) -> None:
    """Refuse an archive for any of its :func:`submission_faults`.

    Raises:
        InputError: Also if it has faults; counts all and names the first of each kind.
    """
    note = '' if sizes is not None else ' (sizes of images were not checked)'
    submission_faults(archive, ids, sizes, challenge).refuse(archive, note)


def submission_faults(
    archive: str | Path,
    ids: Sequence[str],
    sizes: Mapping[str, tuple[int, int]] | None = None,
    challenge: str = 'comp6',
) -> Faults:
    """Find all that is wrong with an archive for the server; nothing is extracted.

    Args:
        archive: A tar archive, compressed or not.
        ids: Ids of the images of the test set.
        sizes: (height, width) of the image by id; None checks no sizes.
        challenge: One of :data:`.CHALLENGES`.

    Returns:
        The faults of its tree first, then those of its PNGs.

    Raises:
        MissingFileError: If there is no such archive.
        InputError: If it is no tar archive, is a zip archive, or is damaged or cut off.
    """
    faults, listed, folder, path = Faults(), set(ids), submission_folder(challenge), Path(archive)
    _refuse_zip(path)
    with reading_archive(path), tarfile.open(path) as tar:
        members, has_end = archive_members(tar)
        check_tree(members, listed, folder, faults)
        if not has_end and faults.of(MISSING):
            faults.add('no end mark, so it may be cut off', path.name)
        pngs = [info for info in members if info.isreg() and image_id(info) in listed]
        progress = Progress('check')
        for done, info in enumerate(pngs, 1):
            where = printable(posixpath.normpath(info.name).removeprefix(f'{folder}/'))
            if info.size > _LARGEST_FILE:
                faults.add(UNREADABLE, f'{where}: {info.size} bytes are too many for a label')
            else:
                size = None if sizes is None else sizes[image_id(info)]
                check_png(tar.extractfile(info).read(), size, where, faults)
            progress.step(done, len(pngs))
    return faults


def _refuse_zip(path: Path) -> None:
    if not path.is_file():
        raise MissingFileError(f'{path}: no such archive')
    with path.open('rb') as stream:
        if stream.read(4) in _ZIP:
            raise InputError(
                f'{path} is a zip archive, which the server does not take; make a .tar.gz (pack)'
            )
