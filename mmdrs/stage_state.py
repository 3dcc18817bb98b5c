"""What is finished: fingerprints of what a stage was made from, and the folders of its results.

The results of a stage are in ``<work_dir>/<stage>``. Where its config or inputs change, the folder
is renamed to ``<stage>.<first digits of its fingerprint>``, an older *generation*. It is taken up
again as soon as the old settings are given again. Nothing is removed.
"""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mmdrs.errors import InputError
from mmdrs.files import digest, remove_temporary, write_json
from mmdrs.reading import read_json, reading

Status = Literal['finished', 'scores outdated', 'interrupted', 'incomplete', 'outdated', 'new']
#: Why a stage has no files of the present settings, in words.
NOT_FINISHED: dict[Status, str] = {
    'new': 'not run yet',
    'interrupted': 'not finished',
    'outdated': 'made with other settings',
}
#: Keys that change how fast a run goes or what records call its data, not what comes out of it.
_VOLATILE = ('num_workers', 'persistent_workers', 'dataset_name')
_DIGITS = 8
#: What maps, labels and predictions are; how many there are, and of what size, is noted.
_OUTPUTS = ('.npz', '.png')
_GENERATION = rf'\.[0-9a-f]{{{_DIGITS}}}(-\d+)?'


def is_generation(folder: str) -> bool:
    """Whether the name of a folder is that of an older generation of any stage."""
    return re.fullmatch(f'.+{_GENERATION}', folder) is not None


@dataclass(frozen=True)
class Fingerprint:
    """What a stage is made from.

    Attributes:
        files: Of what its files depend on: config, lists, the user's files, and the stages before.
        scores: Of what only its scores depend on, such as masks, and the label rules for maps.
    """

    files: str
    scores: str


def fingerprint(config: dict, lists: list[Path], inputs: list) -> str:
    """Digest of a stage's config, the content of its lists, and digests of its inputs.

    What only changes how fast a run goes, or what records call its data, does not count. The
    folders in which a stage finds its inputs are set after this: what counts of them are their
    fingerprints.
    """
    contents = [_content(path) for path in lists]
    return digest([_stable(config), contents, inputs])


def _content(path: Path) -> str | list[str]:
    """The text of a list; of a folder of class folders which files they hold."""
    if path.is_dir():
        return sorted(file.relative_to(path).as_posix() for file in path.glob('*/*'))
    return path.read_text('utf-8', errors='replace') if path.is_file() else ''


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _stable(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, (list, tuple)):
        return [_stable(item) for item in value]
    return value


@dataclass
class StageState:
    """The folder of a stage, with ``started.json`` and ``done.json``, and older generations."""

    folder: Path

    @property
    def done(self) -> dict[str, Any] | None:
        """What :meth:`finish` has written, None before."""
        return _read(self.folder / 'done.json')

    @property
    def fingerprint(self) -> str | None:
        """Of the files of the present generation; None without one."""
        found = self.done or _read(self.folder / 'started.json')
        return found['fingerprint'] if found else None

    def status(self, wanted: Fingerprint) -> Status:
        """Compare the stage's folder with what the stage is to be made from now."""
        if self.fingerprint is None:
            return 'new'
        if self.fingerprint != wanted.files:
            return 'outdated'
        done = self.done
        if done is None:
            return 'interrupted'
        if not self._is_whole(done):
            return 'incomplete'
        return 'finished' if done['scores'] == wanted.scores else 'scores outdated'

    def _is_whole(self, done: dict[str, Any]) -> bool:
        """Whether what the finished stage had made is still there."""
        files = [done['weights'], *(f'results/{name}' for name in done['records'])]
        if not all(os.path.isfile(os.path.join(self.folder, name)) for name in files if name):
            return False
        return done.get('outputs') in (None, self._count_outputs())

    def _count_outputs(self) -> dict[str, int]:
        """Number and size of the maps, labels or predictions."""
        sizes = [
            os.stat(os.path.join(folder, name)).st_size
            for folder, _, names in os.walk(self.folder)
            for name in names
            if name.endswith(_OUTPUTS) and not name.startswith('.')
        ]
        return dict(files=len(sizes), bytes=sum(sizes))

    def damaged(self) -> list[Path]:
        """State files that cannot be read; they count as not there."""
        files = [self.folder / name for name in ('started.json', 'done.json')]
        return [path for path in files if path.exists() and _read(path) is None]

    def generations(self) -> list[Path]:
        """Folders of older generations."""
        name = re.compile(re.escape(self.folder.name) + _GENERATION)
        parent = self.folder.parent
        found = parent.iterdir() if parent.is_dir() else ()
        return sorted(path for path in found if name.fullmatch(path.name) and path.is_dir())

    def has_content(self) -> bool:
        """Whether there is anything in the folder, with a valid state or without."""
        return self.folder.is_dir() and any(self.folder.iterdir())

    def take_up(self, wanted: Fingerprint) -> bool:
        """Make the generation of a fingerprint the present one, if there is one.

        The present one is put aside. Both are single renames: stopped between them, the next run
        finds no present generation and takes this one up.

        Returns:
            Whether the present generation has this fingerprint now.
        """
        if self.fingerprint == wanted.files:
            return True
        for path in self.generations():
            if StageState(path).fingerprint == wanted.files:
                if self.has_content():
                    self.put_aside()
                path.rename(self.folder)
                return True
        return False

    def put_aside(self) -> Path:
        """Make the present generation an older one; returns its folder."""
        name = f'{self.folder.name}.{(self.fingerprint or "0" * _DIGITS)[:_DIGITS]}'
        target, number = self.folder.with_name(name), 1
        while target.exists():  # a copy of the user's with this fingerprint
            number += 1
            target = self.folder.with_name(f'{name}-{number}')
        self.folder.rename(target)
        return target

    def start(self, wanted: Fingerprint) -> None:
        """Note that the stage has begun, goes on, or is scored again; other scores are put aside.

        What a killed run has left under temporary names is removed.
        """
        done = self.done
        before = done or _read(self.folder / 'started.json')
        if before is not None and before['scores'] != wanted.scores:
            self._put_scores_aside(before['scores'], wanted.scores)
        remove_temporary(self.folder)
        before = before or dict(seconds=0, resumed=-1)
        content = dict(
            fingerprint=wanted.files,
            scores=wanted.scores,
            seconds=before['seconds'],
            resumed=before['resumed'] + (done is None),
        )
        write_json(self.folder / 'started.json', content)
        (self.folder / 'done.json').unlink(missing_ok=True)

    def _put_scores_aside(self, made: str, wanted: str) -> None:
        results = self.folder / 'results'
        aside, known = (results.with_name(f'results.{s[:_DIGITS]}') for s in (made, wanted))
        if results.is_dir() and not aside.exists():
            results.rename(aside)
        if known.is_dir() and not results.exists():
            known.rename(results)

    def finish(self, made: Fingerprint, seconds: float, weights: Path | None = None) -> None:
        """Note that the stage is finished, and what it has made.

        Args:
            made: What it was made from.
            seconds: The time that this run of it took; that of earlier ones is added.
            weights: The checkpoint of a training.
        """
        before = _read(self.folder / 'started.json') or dict(seconds=0, resumed=0)
        content = dict(
            fingerprint=made.files,
            scores=made.scores,
            weights=weights.name if weights else None,
            outputs=None if weights else self._count_outputs(),
            records=sorted(path.name for path in self.folder.glob('results/[!.]*.json')),
            seconds=round(before['seconds'] + seconds, 1),
            resumed=before['resumed'],
            finished=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        )
        write_json(self.folder / 'done.json', content)


def _read(path: Path) -> dict[str, Any] | None:
    """The content of a state file; None where there is none, or a damaged one."""
    try:
        content = read_json(path, 'state of a stage')
        with reading(path, 'state of a stage'):
            return dict(
                content,
                fingerprint=str(content['fingerprint']),
                scores=str(content.get('scores', '')),
                weights=str(content.get('weights') or ''),
                seconds=float(content.get('seconds', 0)),
                resumed=int(content.get('resumed', 0)),
                records=[str(name) for name in content.get('records', [])],
            )
    except InputError:
        return None
