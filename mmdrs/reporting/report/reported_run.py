"""What a work directory of the pipeline holds, and what of it belongs together.

Only JSON is read: a work directory may come from anywhere, and its Python must not run.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, read_evaluation
from mmdrs.pipeline.driver import FORMAT
from mmdrs.reading import read_json, reading
from mmdrs.stage_state import NOT_FINISHED, Fingerprint, StageState, Status, is_generation

_HINT = 'give the command of tools/pipeline.py again, which writes it anew'

_REASONS: dict[Status, str] = {
    **NOT_FINISHED,
    'scores outdated': 'scored with other masks or label rules',
}


@dataclass(frozen=True)
class FinishedStage:
    """A stage that is finished and was made and scored with the present settings.

    ``kind`` is ``train``, ``maps``, ``labels`` or ``test``, ``finished`` a time: UTC, ISO 8601.
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
    """Read what ``pipeline.json`` of a work directory describes, as far as it is finished.

    Raises:
        InputError: If there is none, no stage has finished, or a file is damaged.
    """
    path = Path(path)
    file = path / 'pipeline.json'
    if not file.exists():
        raise InputError(
            f'{path} is no work directory of tools/pipeline.py: it holds no pipeline.json'
        )
    content = _object(read_json(file, 'description of a run', _HINT), str(file))
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
    state = StageState(folder)
    status = state.status(
        Fingerprint(described.get('fingerprint', ''), described.get('scores', ''))
    )
    damaged = state.damaged()
    if damaged:
        return f'{damaged[0].name} is damaged; {_HINT}'
    if status not in ('finished', 'incomplete'):  # files that are gone are named by their readers
        return _REASONS[status]
    done = state.done or {}
    records = [path for path in sorted(folder.glob('results/*.json')) if path.name[0] != '.']
    with reading(folder / 'done.json', 'state of a stage', _HINT):
        return FinishedStage(
            kind=str(described.get('kind')),
            title=str(described.get('title')),
            seconds=done['seconds'],
            finished=str(done['finished']),
            evaluations=[read_evaluation(path) for path in records],
        )


def _other_folders(path: Path, stages: dict[str, Any]) -> list[tuple[str, str]]:
    """Folders that a pipeline made, but not one with these settings."""
    folders = [folder for folder in sorted(path.iterdir()) if folder.name not in stages]
    earlier = [folder for folder in folders if is_generation(folder.name)]
    found = [
        (folder.name, 'no stage of these settings')
        for folder in folders
        if folder not in earlier and (folder / 'started.json').is_file()
    ]
    if earlier:
        found.append(('<stage>.<8 hex digits>', f'{len(earlier)} earlier, of other settings'))
    return found


def _object(content: Any, place: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InputError(f'{place} is damaged: it is no JSON object; {_HINT}')
    return content
