"""A data set that is filled under another name, and put in place when it is whole."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from mmdrs.errors import InputError
from mmdrs.files import written_whole


class StagedDataset:
    """The folders of a data set in place, and those of its preparation beside it.

    Files are written whole into :attr:`part`, a hidden folder beside :attr:`root`, so that a
    killed run can be repeated: what is in either is not made again. :meth:`put_in_place` moves
    them and writes a record of what the data set was made from, by which the next run knows
    that it is finished.

    Args:
        root: The data set; it may hold files already.
        record: Name of the record, a JSON file in ``root``.
        sources: Number of bytes of each archive, by what the archive is.

    Raises:
        InputError: If the data set in place was made from another archive.

    Attributes:
        root: The data set, links resolved.
        part: The folder of the preparation.
    """

    def __init__(self, root: str | Path, record: str, sources: Mapping[str, int]) -> None:
        # Resolved, because a rename cannot leave the file system that a link leads to.
        self.root = Path(root).resolve()
        self.part = self.root.with_name(f'.{self.root.name}.part')
        self.record = record
        self.sources = dict(sources)
        self._made = _read_record(self.root / record)
        for name, size in self.sources.items():
            known = self._made.get('sources', {}).get(name, size)
            if known != size:
                raise InputError(
                    f'{self.root} was made from another {name} archive (of {known} bytes, this '
                    f'one has {size}); choose another folder'
                )

    def is_ours(self) -> bool:
        """Whether this or an earlier, perhaps killed, run with these sources wrote here."""
        return bool(self._made) or _read_record(self.part / self.record) == self._started()

    def is_finished(self) -> bool:
        """Whether the data set was made from these sources and still has as many files."""
        if not self.sources.keys() <= self._made.get('sources', {}).keys():
            return False
        return all(
            len(file_sizes(self.root / folder)) >= count
            for folder, count in self._made['files'].items()
        )

    def begin(self) -> None:
        """Make the folder of the preparation; one of other sources is emptied."""
        if _read_record(self.part / self.record) != self._started():
            self.drop()
        _write_record(self.part / self.record, self._started())

    def find(self, folder: str) -> dict[str, Path]:
        """Return the paths of a folder's files by name, both in place and prepared."""
        places = [self.part / folder, self.root / folder]
        return {name: place / name for place in places for name in file_sizes(place)}

    def drop(self) -> None:
        """Remove the preparation."""
        if self.part.exists():
            shutil.rmtree(self.part)

    def put_in_place(self, folders: Iterable[str]) -> None:
        """Move what is prepared, folder by folder, and write the record."""
        folders = list(folders)
        for folder in folders:
            if (self.part / folder).is_dir():
                _move_folder(self.part / folder, self.root / folder)
        files = {folder: len(file_sizes(self.root / folder)) for folder in folders}
        sources = self._made.get('sources', {}) | self.sources
        _write_record(self.root / self.record, {'sources': sources, 'files': files})
        self.drop()

    def _started(self) -> dict:
        return {'sources': self.sources}


def file_sizes(folder: Path) -> dict[str, int]:
    """Return name and number of bytes of a folder's files; hidden ones are not counted."""
    if not folder.is_dir():
        return {}
    with os.scandir(folder) as entries:
        return {
            entry.name: entry.stat().st_size
            for entry in entries
            if not entry.name.startswith('.') and entry.is_file()
        }


def _move_folder(prepared: Path, target: Path) -> None:
    for leftover in prepared.glob('.*'):  # temporary files of a killed run
        leftover.unlink()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        prepared.rename(target)
        return
    for file in sorted(prepared.iterdir()):
        file.rename(target / file.name)
    prepared.rmdir()


def _read_record(path: Path) -> dict:
    try:
        record = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}  # none, or not one of ours
    return record if isinstance(record, dict) else {}


def _write_record(path: Path, record: dict) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + '\n')
