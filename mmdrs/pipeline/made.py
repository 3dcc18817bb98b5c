"""What a run has made: all that can be said of one without masks."""

from pathlib import Path
from typing import Any

from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import read_evaluations
from mmdrs.pipeline.runs import StageRun
from mmdrs.stage_state import StageState


def made_by(runs: dict[str, StageRun]) -> list[dict[str, Any]]:
    """What each finished stage has made: folder, checkpoint, number and size of files."""
    made = []
    for name, run in runs.items():
        done = StageState(run.folder).done
        if done is not None:
            outputs = done.get('outputs') or {}
            made.append(
                dict(
                    stage=name,
                    kind=run.stage.kind,
                    title=run.stage.title,
                    folder=name,
                    checkpoint=done['weights'] or None,
                    files=outputs.get('files', 0),
                    bytes=outputs.get('bytes', 0),
                )
            )
    return made


def has_scores(results: Path) -> bool:
    """Whether ``results.json`` is there, and is not known to be without scores."""
    if not results.is_file():
        return False
    try:
        return bool(read_evaluations(results))
    except InputError:  # damaged: it may be worth a look
        return True
