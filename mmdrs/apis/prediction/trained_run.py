"""The trained networks of a work directory of the pipeline, as its JSON files describe them."""

import re
from pathlib import Path
from typing import Any, NamedTuple

from mmdrs.apis.checkpoint import is_whole
from mmdrs.errors import InputError
from mmdrs.reading import read_json, reading
from mmdrs.stage_state import NOT_FINISHED, Fingerprint, StageState

#: Trainings of a segmentation network, in the order of the pipeline.
_SEGMENTATION = re.compile(r'segmentation|self_training_\d+')


class TrainedStage(NamedTuple):
    """A training that has finished with the present settings of its run."""

    name: str
    config: Path
    checkpoint: Path


def trained_stages(run: str | Path) -> tuple[dict[str, TrainedStage], dict[str, str]]:
    """The trainings of a run that have finished, and why the others have not, by name, in order.

    The configs are Python, which runs when they are read: use a run that you trust.

    Args:
        run: Work directory of the pipeline.

    Raises:
        InputError: If it is none, or a file of it is damaged.
    """
    file = Path(run) / 'pipeline.json'
    if not file.exists():
        raise InputError(f'{run} is no work directory of mmdrs run: it holds no pipeline.json')
    content = read_json(file, 'description of a run')
    with reading(file, 'description of a run'):
        described = {str(name): dict(stage) for name, stage in content['stages'].items()}
    finished: dict[str, TrainedStage] = {}
    reasons: dict[str, str] = {}
    for name, stage in described.items():
        if stage.get('kind') == 'train' and re.fullmatch(r'\w+', name):
            found = _trained(Path(run) / name, stage)
            if isinstance(found, TrainedStage):
                finished[name] = found
            else:
                reasons[name] = found
    return finished, reasons


def segmentation_stage(run: str | Path) -> TrainedStage:
    """The newest segmentation network of a run; rounds of self-training count.

    Raises:
        InputError: If none has finished; names what has.
    """
    finished, reasons = trained_stages(run)
    names = [name for name in finished if _SEGMENTATION.fullmatch(name)]
    if names:
        return finished[names[-1]]
    reason = ', '.join(f'{k}: {v}' for k, v in reasons.items() if _SEGMENTATION.fullmatch(k))
    raise InputError(
        f'{run}: no segmentation network has finished ({reason or "the run has none"}); continue '
        'the run with mmdrs run, or give --config and --checkpoint'
    )


def run_of(config: str | Path) -> Path | None:
    """The run that a config is stored in; None where it is in none."""
    folder = Path(config).resolve().parent.parent
    return folder if (folder / 'pipeline.json').is_file() else None


def _trained(folder: Path, described: dict[str, Any]) -> TrainedStage | str:
    """The network of a training, or why there is none."""
    state = StageState(folder)
    damaged = state.damaged()
    if damaged:
        return f'{damaged[0].name} is damaged; give the command of the run again'
    made_by = Fingerprint(described.get('fingerprint', ''), described.get('scores', ''))
    reason = NOT_FINISHED.get(state.status(made_by))
    if reason:
        return reason
    weights = Path((state.done or {})['weights']).name
    if not (folder / weights).is_file() or not is_whole(folder / weights):
        return f'its checkpoint {weights} is gone or incomplete'
    configs = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime)
    if not configs:
        return f'it holds no config any more; make it with --again {folder.name}'
    return TrainedStage(folder.name, configs[-1], folder / weights)
