"""Running the stages in order: what is finished is skipped, what was stopped goes on."""

import errno
import time
import warnings
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmseg.registry import DATASETS

from mmdrs.apis import start_processes
from mmdrs.engine import format_seconds
from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, write_evaluations
from mmdrs.evaluation.records.table import score_table
from mmdrs.files import write_json
from mmdrs.pipeline.overview import write_overview
from mmdrs.pipeline.runs import StageRun, fingerprints, stage_runs
from mmdrs.pipeline.settings import Settings
from mmdrs.pipeline.stages import Stage, choose_stages
from mmdrs.pipeline.state import Fingerprint, StageState, Status

#: Version of ``pipeline.json``.
FORMAT = 1
Prints = dict[str, Fingerprint]


def run_pipeline(
    settings: Settings,
    work_dir: str | Path | None = None,
    first: str | None = None,
    last: str | None = None,
    launcher: str = 'none',
) -> list[Evaluation]:
    """Run the stages of a pipeline.

    Args:
        settings: The settings.
        work_dir: Where everything goes; default that of the settings, or ./work_dirs/<their name>.
        first: First stage to run.
        last: Last stage to run.
        launcher: MMEngine's launcher, where several processes run this function.

    Returns:
        The records of all finished stages, as in ``results.json``.

    Raises:
        InputError: If an input is missing or wrong.
    """
    # What the libraries warn of at every stage (deprecations, defaults) tells users nothing.
    warnings.filterwarnings('ignore', module=r'(mmseg|mmengine|mmcv)\.')
    work_dir = Path(work_dir or settings.cfg.work_dir).resolve()
    chosen = choose_stages(settings['stages'], first, last)
    settings.check_keys()
    if launcher != 'none':
        start_processes(launcher)
    if is_main_process():
        settings.save(work_dir / 'settings.py')
    barrier()
    settings.file = work_dir / 'settings.py'

    runs = stage_runs(settings, work_dir, launcher)
    prints = fingerprints(runs)
    check_datasets([runs[stage.name] for stage in chosen])
    for stage in chosen:
        runs[stage.name].check()
    if is_main_process():
        write_json(work_dir / 'pipeline.json', _description(settings, runs, prints))
        _take_up(chosen, runs, prints)
    barrier()
    _check_needs(chosen, runs, prints)
    clock = _Clock(runs, [stage.name for stage in chosen])
    for number, stage in enumerate(chosen, 1):
        _say(f'[{number}/{len(chosen)}] {stage.name}: {stage.title}')
        _run_stage(runs[stage.name], prints[stage.name], clock)
    evaluations = _all_evaluations(runs, prints)
    if is_main_process():
        _conclude(work_dir, runs, evaluations)
    barrier()
    return evaluations


def _description(settings: Settings, runs: dict[str, StageRun], prints: Prints) -> dict[str, Any]:
    """What the present run is: the settings, the stages, the data sets, as plain data."""
    maps, scored = runs['drs_maps'], runs['evaluation'].given_datasets()
    datasets = dict(zip(maps.splits, maps.given_datasets(), strict=True))
    return dict(
        format=FORMAT,
        settings=settings.values(),
        stages={
            name: dict(
                kind=run.stage.kind,
                title=run.stage.title,
                fingerprint=prints[name].files,
                scores=prints[name].scores,
            )
            for name, run in runs.items()
        },
        datasets=dict(datasets, evaluation=scored[0] if scored else None),
    )


def _take_up(chosen: list[Stage], runs: dict[str, StageRun], prints: Prints) -> None:
    """Make those generations the present ones that were made with the present settings."""
    needed = {need for stage in chosen for need in stage.needs} | {s.name for s in chosen}
    for name in needed:
        StageState(runs[name].folder).take_up(prints[name])


def _run_stage(run: StageRun, wanted: Fingerprint, clock: '_Clock') -> None:
    """Run one stage unless it is finished and unchanged."""
    state = StageState(run.folder)
    # One process decides: the others would see its files half-way.
    decision = [state.status(wanted)]
    broadcast_object_list(decision)
    status = decision[0]
    if status == 'finished':
        _say('  finished and unchanged: skipped')
        clock.skip(run.stage.name)
        return
    if is_main_process():
        if status == 'outdated':
            _say(f'  its config or inputs have changed; the old results: {state.put_aside()}')
        state.start(wanted)
    barrier()
    if status in _CONTINUED:
        _say(f'  {_CONTINUED[status]}')
    began = time.monotonic()
    try:
        run.run(resume=status == 'interrupted')
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise InputError(
                f'the disk is full ({error.filename or run.folder}); free some space and give the '
                'same command again: finished stages are kept, this one goes on where it stopped'
            ) from error
        raise
    seconds = time.monotonic() - began
    if is_main_process():
        state.finish(wanted, seconds)
    barrier()
    _say(f'  done in {format_seconds(seconds)}{clock.finish(run.stage.name, seconds)}')


_CONTINUED: dict[Status, str] = {
    'interrupted': 'goes on where it was stopped',
    'scores outdated': 'masks or label rules have changed: scored again, its files stay',
}


def check_datasets(runs: list[StageRun]) -> None:
    """Read every list and look for every image, mask and saliency map before hours are spent."""
    checked = set()
    for run in runs:
        for config in run.given_datasets():
            if repr(config) not in checked:
                checked.add(repr(config))
                DATASETS.build(config)


def _check_needs(chosen: list[Stage], runs: dict[str, StageRun], prints: Prints) -> None:
    """With --from: the files of the stages before must be there, of the present settings."""
    running = {stage.name for stage in chosen}
    for stage in chosen:
        for need in set(stage.needs) - running:
            status = StageState(runs[need].folder).status(prints[need])
            if status in _UNUSABLE:
                raise InputError(
                    f'{stage.name} needs {need}, which is {_UNUSABLE[status]} in '
                    f'{runs[need].folder}; give --from {need}'
                )


_UNUSABLE: dict[Status, str] = dict(
    new='not there', interrupted='not finished', outdated='made with another config or inputs'
)


def _all_evaluations(runs: dict[str, StageRun], prints: Prints) -> list[Evaluation]:
    """The records of the stages that are finished with the present settings."""
    finished = [
        run
        for name, run in runs.items()
        if StageState(run.folder).status(prints[name]) == 'finished'
    ]
    return [evaluation for run in finished for evaluation in run.evaluations()]


def _conclude(work_dir: Path, runs: dict[str, StageRun], evaluations: list[Evaluation]) -> None:
    """Write the results and say where everything is."""
    write_evaluations(work_dir / 'results.json', evaluations)
    print(f'\n{score_table(evaluations)}')
    print(f'\nresults: {_shown(work_dir / "results.json")}')
    picture = write_overview(work_dir, runs)
    if picture:
        print(f'picture: {_shown(picture)}')
    old = [path for run in runs.values() for path in StageState(run.folder).generations()]
    if old:
        files = [f for folder in old for f in folder.rglob('*') if not f.is_symlink()]
        size = sum(file.stat().st_size for file in files if file.is_file())
        names = ' '.join(str(_shown(path)) for path in old)
        print(f'results of other settings take {size / 1e6:.0f} MB; to remove them: rm -r {names}')


def _shown(path: Path) -> Path:
    """A path as short as it can be given from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _say(message: str) -> None:
    if is_main_process():
        print(message, flush=True)


class _Clock:
    """Estimates the time of the stages to come from that of the finished ones.

    The work of a stage is counted in images through a network. Networks differ, so this is a
    rough estimate.
    """

    def __init__(self, runs: dict[str, StageRun], names: list[str]) -> None:
        self.left = {name: runs[name].work() for name in names}
        self.done = self.seconds = 0.0

    def skip(self, name: str) -> None:
        """Leave out a stage that does not have to run."""
        del self.left[name]

    def finish(self, name: str, seconds: float) -> str:
        """Note a finished stage; returns the words on the time left, '' where unknown."""
        self.done += self.left.pop(name)
        self.seconds += seconds
        left = sum(self.left.values())
        if not left or not self.done:
            return ''
        return f'; about {format_seconds(self.seconds / self.done * left)} left for all stages'
