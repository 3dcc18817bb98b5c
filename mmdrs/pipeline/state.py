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

from mmdrs.files import digest, write_json
from mmdrs.reading import read_json, reading

Status = Literal['finished', 'scores outdated', 'interrupted', 'outdated', 'new']

#: Keys that change how fast a run goes, not what comes out of it.
_VOLATILE = ('num_workers', 'persistent_workers')
_DIGITS = 8
_GENERATION = rf'\.[0-9a-f]{{{_DIGITS}}}(-\d+)?'


def is_generation(folder: str) -> bool:
    """Whether the name of a folder is that of an older generation of any stage."""
    return re.fullmatch(f'.+{_GENERATION}', folder) is not None


@dataclass(frozen=True)
class Fingerprint:
    """What a stage is made from.

    Attributes:
        files: Of what its files depend on: config, lists, and the inputs' fingerprints.
        scores: Of what only its scores depend on, such as masks, and the label rules for maps.
    """

    files: str
    scores: str


def fingerprint(config: dict, lists: list[Path], inputs: list[str]) -> str:
    """Digest of a stage's config, the content of its list files, and its inputs' fingerprints.

    What only changes how fast a run goes does not count. The folders in which a stage finds its
    inputs are set after this: what counts of them are their fingerprints.
    """
    contents = [path.read_text(errors='replace') if path.is_file() else '' for path in lists]
    return digest([_stable(config), contents, inputs])


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
        return 'finished' if done['scores'] == wanted.scores else 'scores outdated'

    def generations(self) -> list[Path]:
        """Folders of older generations."""
        name = re.compile(re.escape(self.folder.name) + _GENERATION)
        parent = self.folder.parent
        found = parent.iterdir() if parent.is_dir() else ()
        return sorted(path for path in found if name.fullmatch(path.name) and path.is_dir())

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
                if self.fingerprint is not None:
                    self.put_aside()
                path.rename(self.folder)
                return True
        return False

    def put_aside(self) -> Path:
        """Make the present generation an older one; returns its folder."""
        name = f'{self.folder.name}.{self.fingerprint[:_DIGITS]}'
        target, number = self.folder.with_name(name), 1
        while target.exists():  # a copy of the user's with this fingerprint
            number += 1
            target = self.folder.with_name(f'{name}-{number}')
        self.folder.rename(target)
        return target

    def start(self, wanted: Fingerprint) -> None:
        """Note that the stage has begun or is scored again; other scores are put aside."""
        before = self.done or _read(self.folder / 'started.json')
        if before is not None and before['scores'] != wanted.scores:
            self._put_scores_aside(before['scores'], wanted.scores)
        content = dict(fingerprint=wanted.files, scores=wanted.scores)
        write_json(
            self.folder / 'started.json', dict(content, seconds=(before or {}).get('seconds', 0))
        )
        (self.folder / 'done.json').unlink(missing_ok=True)

    def _put_scores_aside(self, made: str, wanted: str) -> None:
        results = self.folder / 'results'
        aside, known = (results.with_name(f'results.{s[:_DIGITS]}') for s in (made, wanted))
        if results.is_dir() and not aside.exists():
            results.rename(aside)
        if known.is_dir() and not results.exists():
            known.rename(results)

    def finish(self, made: Fingerprint, seconds: float) -> None:
        """Note that the stage is finished; the time that it took before is added."""
        before = _read(self.folder / 'started.json') or {}
        content = dict(
            fingerprint=made.files,
            scores=made.scores,
            seconds=round(before.get('seconds', 0) + seconds, 1),
            finished=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        )
        write_json(self.folder / 'done.json', content)


def _read(path: Path) -> dict[str, Any] | None:
    """The content of a state file; None where there is none.

    Raises:
        InputError: If it is damaged.
    """
    if not os.path.lexists(path):
        return None
    hint = 'remove it and give the same command again: what is there of the stage is used'
    content = read_json(path, 'state of a stage', hint)
    with reading(path, 'state of a stage', hint):
        prints = {key: content.get(key, '') for key in ('fingerprint', 'scores')}
        if not (prints['fingerprint'] and all(isinstance(v, str) for v in prints.values())):
            raise ValueError(f'its fingerprints are {prints}')
        return {**content, **prints, 'seconds': float(content.get('seconds', 0))}
