"""Packing predictions into an archive for the server."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from mmdrs.datasets.file_checks import existing_folder
from mmdrs.datasets.formats import Step
from mmdrs.errors import InputError
from mmdrs.files import written_whole
from mmdrs.reporting.voc_server.archive_tree import submission_folder
from mmdrs.reporting.voc_server.checking import check_submission
from mmdrs.reporting.voc_server.faults import Faults
from mmdrs.reporting.voc_server.label_pngs import palette_png, read_prediction

_PACKED = 1325376000  # 2012-01-01; GNU tar complains of files from 1970


def pack_submission(
    predictions: str | Path,
    out: str | Path,
    sizes: Mapping[str, tuple[int, int]],
    challenge: str = 'comp6',
    step: Step = lambda done, total: None,
    check_step: Step = lambda done, total: None,
) -> None:
    """Pack predictions into an archive for the server, and check it.

    Equal predictions give equal bytes, whatever the modes, times and order of their files (with
    the same versions of Pillow and zlib).

    Args:
        predictions: Folder of ``<id>.png`` with class indices 0..20, grey or palette.
        out: The archive, ``*.tar.gz`` or ``*.tgz``; one that is there is replaced.
        sizes: (height, width) of the image by id, as of :func:`read_sizes`.
        challenge: 'comp5' or 'comp6'.
        step: Reports how many predictions were read.
        check_step: Reports how many files of the archive were checked.

    Raises:
        MissingFileError: If there is no such folder.
        InputError: If predictions are missing, unreadable, in colour, of another size than their
            image or hold a value above 20; counts all. Nothing is written then.
    """
    folder = submission_folder(challenge)
    if not str(out).endswith(('.tar.gz', '.tgz')):
        raise InputError(f'{out}: the archive is a .tar.gz; give it that ending, or .tgz')
    source = existing_folder(predictions, 'predictions, <id>.png, that tools/test.py --out wrote')
    faults, pngs = Faults(), {}
    for done, name in enumerate(sorted(sizes), 1):  # some kilobytes each: all fit in memory
        label = read_prediction(source / f'{name}.png', sizes[name], faults)
        if label is not None:
            pngs[f'{folder}/{name}.png'] = palette_png(label)
        step(done, len(sizes))
    if faults:
        raise InputError(
            f'{predictions}: {faults.count()} in the predictions of {len(sizes)} images; '
            f'nothing was written\n{faults.text()}'
        )
    with written_whole(out) as temporary:
        _write_tar(temporary, pngs)
        check_submission(temporary, list(sizes), sizes, challenge, check_step)


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
