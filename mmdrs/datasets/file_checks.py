"""Checks that the files of a data set exist, before any of them is opened."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES, without_suffix
from mmdrs.errors import MissingFileError
from mmdrs.findings import Finding, raise_errors


class FolderIndex:
    """Answers which files exist with one listing per folder.

    A ``stat`` per file takes minutes for some ten thousand files on a network file system.
    """

    def __init__(self) -> None:
        self._names: dict[str, frozenset[str]] = {}
        self._images: dict[str, dict[str, list[str]]] = {}

    def exists(self, path: str) -> bool:
        """Whether ``path`` names an entry of its folder; False if there is no folder."""
        folder, name = os.path.split(path)
        return name in self._listing(folder)

    def images(self, stem: str) -> list[str]:
        """The image files, of any ending in any case, whose path without ending is ``stem``."""
        folder, name = os.path.split(stem)
        if folder not in self._images:
            found: dict[str, list[str]] = {}
            for entry in sorted(self._listing(folder)):
                own = without_suffix(entry, IMAGE_SUFFIXES)
                if own != entry:
                    found.setdefault(own, []).append(os.path.join(folder, entry))
            self._images[folder] = found
        return self._images[folder].get(name, [])

    def _listing(self, folder: str) -> frozenset[str]:
        if folder not in self._names:
            is_dir = os.path.isdir(folder or '.')
            self._names[folder] = frozenset(os.listdir(folder or '.') if is_dir else ())
        return self._names[folder]


def existing_folder(path: str | Path, content: str) -> Path:
    """Return a folder that must hold ``content``; a MissingFileError if there is none."""
    if not Path(path).is_dir():
        raise MissingFileError(f'{path}: no such folder; it must hold the {content}')
    return Path(path)


def missing_files(
    files: Mapping[str, Sequence[str]],
    hints: Mapping[str, str] | None = None,
    index: FolderIndex | None = None,
) -> list[Finding]:
    """Find the files that do not exist.

    Args:
        files: Paths by their title in messages: the key that gave their folder, or the folder.
        hints: What to do about missing files, by the same titles.
        index: None makes a new one.

    Returns:
        An error for each title with missing files.
    """
    index, found = index or FolderIndex(), []
    for title, paths in files.items():
        missing = tuple(path for path in paths if not index.exists(path))
        if missing:
            count = f'{len(missing)} of {len(paths)} files are missing'
            found.append(Finding('error', title, count, missing, (hints or {}).get(title, '')))
    return found


def check_exist(
    files: Mapping[str, Sequence[str]],
    hints: Mapping[str, str] | None = None,
    index: FolderIndex | None = None,
) -> None:
    """Check that all files exist; the arguments are those of :func:`missing_files`.

    Raises:
        MissingFileError: Names the title, the number and the first of the missing files.
    """
    raise_errors(missing_files(files, hints, index), MissingFileError)
