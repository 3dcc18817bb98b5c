"""Faults of an upload, and those that the paths of an archive show."""

import posixpath
import re
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from mmdrs.archives import printable
from mmdrs.errors import InputError, first_lines

#: comp5: trained on data of VOC alone. comp6: anything else, such as pretraining on ImageNet.
CHALLENGES = ('comp5', 'comp6')
#: How many faults of a kind a message names.
SHOWN = 10
MISSING = 'missing images'
UNREADABLE = 'not a PNG, or unreadable'

_HINT = ' (comp5 is for training on data of VOC alone, comp6 for any other data)'
_KINDS = (r'voc_?\d{4}', r'comp\d+_\w+')


class Faults:
    """What is wrong with an archive or with predictions, by kind, in the order of the finding."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return sum(len(lines) for lines in self._lines.values())

    def add(self, kind: str, line: str) -> None:
        """Note a fault: ``kind`` is the heading, ``line`` says which file and what."""
        self._lines.setdefault(kind, []).append(line)

    def of(self, start: str) -> list[str]:
        """The lines of the kinds whose heading starts with ``start``."""
        kinds = [kind for kind in self._lines if kind.startswith(start)]
        return [line for kind in kinds for line in self._lines[kind]]

    def refuse(self, path: str | Path, note: str = '') -> None:
        """Raise an ``InputError`` if there are any; it names the first of each kind, sorted."""
        if not self:
            return
        count = '1 fault' if len(self) == 1 else f'{len(self)} faults'
        kinds = [
            f'\n  {kind}: {len(lines)}\n{first_lines(sorted(lines), SHOWN, "    ")}'
            for kind, lines in self._lines.items()
        ]
        raise InputError(f'{path}: {count}{note}{"".join(kinds)}')


def submission_folder(challenge: str) -> str:
    """The folder of the PNGs in the archive.

    Raises:
        InputError: If the challenge is not one of :data:`CHALLENGES`.
    """
    if challenge not in CHALLENGES:
        raise InputError(f'challenge must be {" or ".join(CHALLENGES)}, got {challenge!r}')
    return f'results/VOC2012/Segmentation/{challenge}_test_cls'


def image_id(info: tarfile.TarInfo) -> str:
    """The id of the image that a member is named after."""
    return PurePosixPath(info.name).stem


def check_tree(
    members: Sequence[tarfile.TarInfo], ids: set[str], folder: str, faults: Faults
) -> None:
    """Note what is missing, left over or in a wrong place; folders may be there or not."""
    files = [info for info in members if not info.isdir()]
    for name in sorted(ids - {image_id(info) for info in files}):
        faults.add(MISSING, f'{name}.png')
    for info in members:
        if _leads_outside(info.name):
            faults.add('paths that lead outside of the archive', printable(info.name))
    for info in files:
        path = PurePosixPath(posixpath.normpath(info.name))
        fault = '' if _leads_outside(info.name) else _place_fault(path, ids, folder)
        if fault:
            faults.add(fault, printable(str(path)))
        if not info.isreg():
            faults.add('links or special files instead of files', printable(info.name))
    for name, count in Counter(posixpath.normpath(info.name) for info in files).items():
        if count > 1:
            faults.add('files that are there more than once', f'{printable(name)}: {count} times')


def _place_fault(path: PurePosixPath, ids: set[str], folder: str) -> str:
    """What is wrong with the path of a file inside of the archive, or ''."""
    is_png = path.suffix == '.png'
    if path.stem not in ids:
        return 'images that are not in the list' if is_png else 'files that do not belong there'
    remarks = _level_remarks(path.parent.parts, PurePosixPath(folder).parts)
    remarks += [] if is_png else [f"the ending is '{printable(path.suffix)}'"]
    return f'wrong path, {"; ".join(remarks)}; it must be {folder}/<id>.png' if remarks else ''


def _level_remarks(found: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """How the levels of a folder differ from those that the server wants."""
    remarks = []
    levels = [_meant_level(level, wanted) for level in found]
    for level, meant in zip(found, levels, strict=True):
        if level != meant:
            swapped = {name.split('_')[0].lower() for name in (level, meant)} == set(CHALLENGES)
            remarks.append(f"'{printable(level)}' instead of '{meant}'{_HINT if swapped else ''}")
    missing = ', '.join(f'{level}/' for level in wanted if level not in levels)
    surplus = ', '.join(f'{printable(level)}/' for level in levels if level not in wanted)
    remarks += [f'lacks {missing}'] if missing else []
    remarks += [f'has {surplus} too much'] if surplus else []
    if not remarks and levels != list(wanted):
        remarks.append('a folder is repeated, or the order is another')
    return remarks


def _meant_level(level: str, wanted: Sequence[str]) -> str:
    """The level that a wrong one was meant to be: another year, challenge, set, or case."""
    for meant in wanted:
        for kind in (re.escape(meant), *_KINDS):
            if all(re.fullmatch(kind, name, re.IGNORECASE) for name in (level, meant)):
                return meant
    return level


def _leads_outside(name: str) -> bool:
    path = PureWindowsPath(name)
    return bool(path.drive) or path.as_posix().startswith('/') or '..' in path.parts
