"""What a work directory of the pipeline holds, and what of it belongs together.

Only JSON is read: a work directory may come from anywhere, and its Python must not run.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, read_evaluation
from mmdrs.reporting.generations import is_generation

#: Of ``pipeline.json``.
FORMAT = 1


@dataclass(frozen=True)
class FinishedStage:
    """A stage that is finished and was made with the present settings.

    Attributes:
        kind: ``train``, ``maps``, ``labels`` or ``test``.
        title: What it does, for the user.
        seconds: How long it took.
        finished: When it ended: UTC, ISO 8601.
        evaluations: Its scores.
    """

    kind: str
    title: str
    seconds: float
    finished: str
    evaluations: list[Evaluation]


@dataclass(frozen=True)
class ReportedRun:
    """A run of the pipeline.

    Attributes:
        path: The work directory.
        settings: The settings as plain data.
        datasets: Configs of the data sets: ``train``, ``val`` if there is any, ``evaluation``.
        stages: The stages to report, by name, in the pipeline's order.
        left_out: Name and reason of everything that is not reported.
    """

    path: Path
    settings: dict[str, Any]
    datasets: dict[str, dict[str, Any]]
    stages: dict[str, FinishedStage]
    left_out: list[tuple[str, str]]


def read_run(path: str | Path) -> ReportedRun:
    """Read what ``pipeline.json`` describes, as far as it is finished.

    Args:
        path: A work directory of the pipeline.

    Raises:
        InputError: If it is none, no stage has finished, or a file in it is damaged.
    """
    path = Path(path)
    file = path / 'pipeline.json'
    if not file.is_file():
        raise InputError(
            f'{path} is no work directory of tools/pipeline.py: it holds no pipeline.json'
        )
    content = _read_object(file)
    if content.get('format') != FORMAT:
        raise InputError(f'{file}: was written by another version of mmdrs')
    described, settings, datasets = (
        _object(content.get(key), f'{file}: {key!r}') for key in ('stages', 'settings', 'datasets')
    )
    stages: dict[str, FinishedStage] = {}
    left_out: list[tuple[str, str]] = []
    for name, stage in described.items():
        # Names become those of files.
        if not re.fullmatch(r'\w+', name):
            raise InputError(f'{file} is damaged: {name!r} is no name of a stage')
        found = _read_stage(path / name, _object(stage, f'{file}: {name!r}'))
        if isinstance(found, FinishedStage):
            stages[name] = found
        else:
            left_out.append((name, found))
    if not stages:
        detail = ', '.join(f'{name}: {reason}' for name, reason in left_out)
        raise InputError(f'{path}: no stage can be reported ({detail})')
    left_out += _other_folders(path, described)
    known = {name: _object(cfg, f'{file}: {name!r}') for name, cfg in datasets.items() if cfg}
    return ReportedRun(path, settings, known, stages, left_out)


def _read_stage(folder: Path, described: dict[str, Any]) -> FinishedStage | str:
    """The stage, or why it is left out."""
    file = folder / 'done.json'
    if not file.is_file():
        return 'not finished' if (folder / 'started.json').is_file() else 'not run yet'
    done = _read_object(file)
    if 'fingerprint' not in done or done['fingerprint'] != described.get('fingerprint'):
        return 'made with other settings'
    records = [path for path in sorted(folder.glob('results/*.json')) if path.name[0] != '.']
    try:
        return FinishedStage(
            kind=str(described['kind']),
            title=str(described['title']),
            seconds=float(done['seconds']),
            finished=str(done['finished']),
            evaluations=[read_evaluation(path) for path in records],
        )
    except (KeyError, TypeError) as error:
        raise InputError(f'{file} or pipeline.json is damaged: {error}') from error


def _other_folders(path: Path, stages: dict[str, Any]) -> list[tuple[str, str]]:
    """Folders that a pipeline made, but not one with these settings."""
    folders = [folder.name for folder in sorted(path.iterdir()) if folder.name not in stages]
    others = [(name, 'no stage of these settings') for name in folders if not is_generation(name)]
    found = [item for item in others if (path / item[0] / 'started.json').is_file()]
    earlier = sum(map(is_generation, folders))
    if earlier:
        found.append(('<stage>.<8 hex digits>', f'{earlier} earlier, of other settings'))
    return found


def _read_object(file: Path) -> dict[str, Any]:
    try:
        return _object(json.loads(file.read_text(encoding='utf-8')), str(file))
    except json.JSONDecodeError as error:
        raise InputError(f'{file} is damaged: {error}') from error


def _object(content: Any, place: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InputError(f'{place} is damaged: it is no JSON object')
    return content
