"""What a work directory of the pipeline holds, and what of it belongs together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmdrs.errors import InputError
from mmdrs.pipeline.stages import Stage, choose_stages


@dataclass(frozen=True)
class FinishedStage:
    """A stage that is finished and fits the settings.

    Attributes:
        stage: Which one.
        seconds: How long it took.
        finished: When it ended, as ``YYYY-MM-DD hh:mm:ss``.
        records: Its scores, as in ``results.json``.
    """

    stage: Stage
    seconds: float
    finished: str
    records: list[dict[str, Any]]


@dataclass(frozen=True)
class WorkDir:
    """A work directory of the pipeline.

    Attributes:
        path: Where it is.
        settings: What ``settings.py`` holds.
        stages: The stages to report, by name, in the pipeline's order.
        left_out: Name and reason of everything that is not reported.
    """

    path: Path
    settings: Config
    stages: dict[str, FinishedStage]
    left_out: list[tuple[str, str]]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The scores of the reported stages."""
        return [record for stage in self.stages.values() for record in stage.records]

    def dumped_config(self, stages: Sequence[str]) -> Config | None:
        """The config that the first of these stages ran with; None if none of them did."""
        for name in stages:
            found = sorted((self.path / name).glob('*.py')) if name in self.stages else []
            if found:
                return Config.fromfile(found[0], import_custom_modules=False)
        return None


def open_work_dir(path: str | Path) -> WorkDir:
    """Look through a work directory.

    A stage that is not finished, or was not made with the settings and stages that are there now,
    is left out. The pipeline tells this by fingerprints; they need the options of its command
    line, which it does not keep. Here it is told by what it leaves behind: other seeds, an input
    finished later, or scores that it has not taken into ``results.json``.

    Raises:
        InputError: If it is no work directory of the pipeline, or no stage has finished.
    """
    path = Path(path)
    file = path / 'settings.py'
    if not file.is_file():
        raise InputError(
            f'{path} is no work directory of tools/pipeline.py: it holds no settings.py'
        )
    settings = Config.fromfile(file)
    if not isinstance(settings.get('stages'), dict):
        raise InputError(f'{file} is no settings file of tools/pipeline.py: it has no `stages`')
    known = choose_stages(settings.stages)
    stages: dict[str, FinishedStage] = {}
    reasons: dict[str, str] = {}
    for stage in known:
        found = _read_stage(path / stage.name, stage)
        if isinstance(found, FinishedStage):
            found = _foreign(found, stages, reasons, settings.get('seed')) or found
        if isinstance(found, FinishedStage):
            found = _disowned(found, path) or found
        if isinstance(found, FinishedStage):
            stages[stage.name] = found
        else:
            reasons[stage.name] = found
    if not stages:
        detail = ', '.join(f'{name}: {reason}' for name, reason in reasons.items())
        raise InputError(f'{path}: no stage can be reported ({detail})')
    left_out = [*reasons.items(), *_strangers(path, [stage.name for stage in known])]
    return WorkDir(path, settings, stages, left_out)


NOT_RUN = 'not run yet'
NOT_FINISHED = 'not finished'


def _read_stage(folder: Path, stage: Stage) -> FinishedStage | str:
    """The stage, or why there is none."""
    if not (folder / 'done.json').is_file():
        return NOT_FINISHED if (folder / 'started.json').is_file() else NOT_RUN
    try:
        done = json.loads((folder / 'done.json').read_text())
        return FinishedStage(stage, float(done['seconds']), done['finished'], done['records'])
    except (KeyError, TypeError, ValueError) as error:
        return f'its done.json is damaged ({type(error).__name__}: {error})'


def _foreign(
    found: FinishedStage,
    stages: Mapping[str, FinishedStage],
    reasons: Mapping[str, str],
    seed: int | None,
) -> str | None:
    """Why a finished stage does not fit the others; None if it does."""
    seeds = {record.get('seed') for record in found.records} - {seed}
    if seeds:
        return f'made with seed {seeds.pop()}, the settings have {seed}'
    for need in found.stage.needs:
        # A folder that was deleted to save space makes nothing wrong of what came from it.
        if reasons.get(need, NOT_RUN) != NOT_RUN:
            return f'made from {need}, which is left out'
        if need in stages and stages[need].finished > found.finished:
            return f'made from an earlier {need}, which has been made again since'
    return None


def _disowned(found: FinishedStage, path: Path) -> str | None:
    """The pipeline's last run has seen the stage and left its scores out: other settings."""
    results, done = path / 'results.json', path / found.stage.name / 'done.json'
    if not found.records or not results.is_file():
        return None
    if done.stat().st_mtime > results.stat().st_mtime:
        return None  # finished after the last table, by a run that was stopped
    taken = json.loads(results.read_text())
    if all(record in taken for record in found.records):
        return None
    return 'made with other settings: results.json does not hold its scores'


def _strangers(path: Path, known: Sequence[str]) -> list[tuple[str, str]]:
    """Folders that a pipeline made, but not one with these settings."""
    strangers = []
    for folder in sorted(item for item in path.iterdir() if item.is_dir()):
        if folder.name in known or not (folder / 'started.json').is_file():
            continue
        aside = folder.name.removesuffix('.old') in known
        reason = 'put aside by the pipeline' if aside else 'no stage of these settings'
        strangers.append((folder.name, reason))
    return strangers
