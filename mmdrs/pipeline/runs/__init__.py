"""What a stage does, one class for each kind of stage."""

from pathlib import Path

from mmdrs.pipeline.data_files import DataFiles
from mmdrs.pipeline.runs.choice import ChoiceRun
from mmdrs.pipeline.runs.evaluation import EvaluationRun
from mmdrs.pipeline.runs.foreground import ForegroundMapRun
from mmdrs.pipeline.runs.labels import LabelRun
from mmdrs.pipeline.runs.maps import MapRun
from mmdrs.pipeline.runs.self_labels import SelfLabelRun, SelfMapRun
from mmdrs.pipeline.runs.stage_run import StageRun
from mmdrs.pipeline.runs.training import TrainingRun
from mmdrs.pipeline.settings import Settings
from mmdrs.stage_state import Fingerprint

__all__ = ['KINDS', 'StageRun', 'fingerprints', 'stage_runs']

#: The class of each kind of stage.
KINDS: dict[str, type[StageRun]] = dict(
    train=TrainingRun,
    maps=MapRun,
    choice=ChoiceRun,
    foreground=ForegroundMapRun,
    labels=LabelRun,
    test=EvaluationRun,
    self_maps=SelfMapRun,
    self_labels=SelfLabelRun,
)


def stage_runs(
    settings: Settings, work_dir: Path, launcher: str = 'none', data: DataFiles | None = None
) -> dict[str, StageRun]:
    """All stages of these settings, by name, in order.

    Args:
        settings: The settings.
        work_dir: Work directory of the pipeline.
        launcher: MMEngine's launcher.
        data: The user's files, where several runs share them; None looks at them anew.
    """
    data = data or DataFiles()
    return {
        stage.name: KINDS[stage.kind](stage, settings, work_dir, data, launcher)
        for stage in settings.chosen_stages()
    }


def fingerprints(runs: dict[str, StageRun], planned: bool = False) -> dict[str, Fingerprint]:
    """What each stage would be made from now.

    Args:
        runs: All stages.
        planned: Leave out what the stages before have made, so that runs can be compared of which
            one is finished and another has not begun.
    """
    prints: dict[str, Fingerprint] = {}
    products: dict[str, str] = {}
    for name, run in runs.items():
        inputs = [products[need] for need in run.stage.made_of]
        scored = [products[need] for need in run.stage.scored_with]
        prints[name] = run.fingerprint(inputs, scored)
        products[name] = prints[name].files if planned else run.product(prints[name], inputs)
    return prints
