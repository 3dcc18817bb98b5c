"""What is finished: a fingerprint of everything a stage was made from, and its results."""

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mmdrs.files import written_whole

Status = Literal['finished', 'interrupted', 'outdated', 'new']

#: Keys that change how fast a run goes, not what comes out of it.
_VOLATILE = ('num_workers', 'persistent_workers')


@dataclass
class StageState:
    """The folder of a stage: ``<work_dir>/<stage>`` with ``started.json`` and ``done.json``."""

    folder: Path

    @property
    def done(self) -> dict[str, Any] | None:
        """What :meth:`finish` has written, None before."""
        return _read(self.folder / 'done.json')

    def status(self, fingerprint: str) -> Status:
        """Compare the stage's folder with what the stage is to be made from now."""
        done, started = self.done, _read(self.folder / 'started.json')
        if done is not None:
            return 'finished' if done['fingerprint'] == fingerprint else 'outdated'
        if started is not None:
            return 'interrupted' if started['fingerprint'] == fingerprint else 'outdated'
        return 'new'

    def put_aside(self) -> Path:
        """Rename the folder of an outdated stage, so that nothing finished is lost."""
        target = self.folder.with_name(f'{self.folder.name}.old')
        if target.exists():
            shutil.rmtree(target)
        self.folder.rename(target)
        return target

    def start(self, fingerprint: str) -> None:
        """Note that the stage has begun."""
        write_json(self.folder / 'started.json', dict(fingerprint=fingerprint))

    def finish(self, fingerprint: str, seconds: float, records: list[dict]) -> None:
        """Note that the stage is finished, with its scores."""
        content = dict(
            fingerprint=fingerprint,
            seconds=round(seconds, 1),
            finished=time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
            records=records,
        )
        write_json(self.folder / 'done.json', content)


def fingerprint(config: dict, lists: list[Path], inputs: list[str]) -> str:
    """Hash of a stage's config, the content of its list files, and its inputs' fingerprints.

    What only changes how fast a run goes does not count. The folders in which a
    stage finds its inputs are set after this: what counts of them are their fingerprints.
    """
    digest = hashlib.sha256(json.dumps(_stable(config), sort_keys=True, default=str).encode())
    for path in lists:
        digest.update(path.read_bytes() if path.is_file() else b'')
    for item in inputs:
        digest.update(item.encode())
    return digest.hexdigest()


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _stable(v) for k, v in value.items() if k not in _VOLATILE}
    if isinstance(value, (list, tuple)):
        return [_stable(item) for item in value]
    return value


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.is_file() else None


def write_json(path: Path, content: Any) -> None:
    """Write JSON under a temporary name, then rename."""
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, default=str) + '\n')
