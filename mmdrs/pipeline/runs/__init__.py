"""What a stage does, one class for each kind of stage."""

from pathlib import Path

from mmdrs.pipeline.runs.evaluation import EvaluationRun
from mmdrs.pipeline.runs.labels import LabelRun
from mmdrs.pipeline.runs.maps import MapRun
from mmdrs.pipeline.runs.stage_run import StageRun
from mmdrs.pipeline.runs.training import TrainingRun
from mmdrs.pipeline.settings import Settings
from mmdrs.pipeline.stages import choose_stages
from mmdrs.pipeline.state import Fingerprint

__all__ = ['KINDS', 'StageRun', 'fingerprints', 'stage_runs']

#: The class of each kind of stage.
KINDS: dict[str, type[StageRun]] = dict(
    train=TrainingRun, maps=MapRun, labels=LabelRun, test=EvaluationRun
)


def stage_runs(settings: Settings, work_dir: Path, launcher: str = 'none') -> dict[str, StageRun]:
    """All stages of these settings, by name, in order."""
    return {
        stage.name: KINDS[stage.kind](stage, settings, work_dir, launcher)
        for stage in choose_stages(settings['stages'])
    }


def fingerprints(runs: dict[str, StageRun]) -> dict[str, Fingerprint]:
    """What each stage would be made from now."""
    prints: dict[str, Fingerprint] = {}
    for name, run in runs.items():
        prints[name] = run.fingerprint([prints[need].files for need in run.stage.needs])
    return prints
