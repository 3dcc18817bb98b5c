"""The files that a user gave: checked when they are listed, and known by sizes and times."""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmseg.registry import DATASETS

from mmdrs.errors import InputError
from mmdrs.files import digest, file_digest

#: Keys of a config whose value is a file of weights.
_WEIGHTS = ('checkpoint', 'load_from', 'pretrained')


class DataFiles:
    """The files of the data sets of a run; each data set is listed once, each file looked at once.

    Contents would cost a reading of all images at every start: size and time of modification
    stand for them.
    """

    def __init__(self) -> None:
        self._listed: dict[str, dict[str, str] | Exception] = {}
        self._states: dict[str, list | None] = {}

    def check(self, config: Mapping[str, Any]) -> None:
        """Check a data set.

        Raises:
            InputError: If its list or files are missing or wrong.
            OSError: So, of a data set of another package.
        """
        found = self._list(config)
        if isinstance(found, Exception):
            raise found

    def fingerprint(self, config: Mapping[str, Any], kinds: Sequence[str]) -> list[str]:
        """Digests of the files of some kinds (``img_path``, ...) of a data set.

        They are '' where there are no such files, and where :meth:`check` raises an error.
        """
        found = self._list(config) if kinds else {}
        return ['' if isinstance(found, Exception) else found.get(kind, '') for kind in kinds]

    def _list(self, config: Mapping[str, Any]) -> dict[str, str] | Exception:
        key = repr(config)
        if key not in self._listed:
            try:
                self._listed[key] = self._digests(DATASETS.build(dict(config)))
            except (InputError, OSError) as error:
                self._listed[key] = error
        return self._listed[key]

    def _digests(self, dataset: Any) -> dict[str, str]:
        states: dict[str, list] = {}
        for index in range(len(dataset)):
            for kind, path in dataset.get_data_info(index).items():
                if kind.endswith('_path') and isinstance(path, str):
                    states.setdefault(kind, []).append(self._state(path))
        return {kind: digest(found) for kind, found in states.items()}

    def _state(self, path: str) -> list | None:
        """Size and time of a file, of a folder those of its files by name; None for neither."""
        if path not in self._states:
            try:
                self._states[path] = _state(path)
            except OSError:
                self._states[path] = None
        return self._states[path]


def _state(path: str) -> list:
    found = os.stat(path)
    if stat.S_ISDIR(found.st_mode):
        return [[name, _state(f'{path}/{name}')] for name in sorted(os.listdir(path))]
    return [found.st_size, found.st_mtime_ns]


def weight_digests(config: Any) -> list[str]:
    """Digests of the files of weights that a config names, in its order."""
    if isinstance(config, (list, tuple)):
        return [found for item in config for found in weight_digests(item)]
    if not isinstance(config, dict):
        return []
    found = []
    for key, value in config.items():
        if key in _WEIGHTS and isinstance(value, str) and Path(value).is_file():
            found.append(file_digest(value))
        else:
            found += weight_digests(value)
    return found
