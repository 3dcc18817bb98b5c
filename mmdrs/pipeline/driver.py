"""Running the stages in order: what is finished is skipped, what was stopped goes on."""

import errno
import shlex
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, broadcast_object_list, is_main_process

from mmdrs.apis import start_processes
from mmdrs.apis.prediction.trained_run import trained_stages
from mmdrs.engine import format_seconds
from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, write_evaluations
from mmdrs.evaluation.records.table import score_table
from mmdrs.files import remove_temporary, write_json
from mmdrs.findings import raise_errors
from mmdrs.pipeline.clock import Clock
from mmdrs.pipeline.diagnosis import check_data
from mmdrs.pipeline.lock import locked
from mmdrs.pipeline.made import has_scores, made_by
from mmdrs.pipeline.overview import write_overview
from mmdrs.pipeline.runs import StageRun, fingerprints, stage_runs
from mmdrs.pipeline.settings import Settings
from mmdrs.pipeline.stages import Stage, check_names
from mmdrs.stage_state import Fingerprint, StageState, Status

#: Version of ``pipeline.json``.
FORMAT = 1


def run_pipeline(
    settings: Settings,
    work_dir: str | Path | None = None,
    first: str | None = None,
    last: str | None = None,
    launcher: str = 'none',
    again: Sequence[str] = (),
) -> list[Evaluation]:
    """Run the stages of a pipeline.

    Args:
        settings: The settings.
        work_dir: Where everything goes; default that of the settings, or ./work_dirs/<their name>.
        first: First stage to run.
        last: Last stage to run.
        launcher: MMEngine's launcher, where several processes run this function.
        again: Stages that are made anew although they are finished; the old ones are put aside.

    Returns:
        The records of all finished stages, as in ``results.json``.

    Raises:
        InputError: If an input is missing or wrong, another run is at work in the directory, or
            the disk is full.
    """
    # What the libraries warn of at every stage (deprecations, defaults) tells users nothing.
    warnings.filterwarnings('ignore', module=r'(mmseg|mmengine|mmcv)\.')
    work_dir = Path(work_dir or settings.cfg.work_dir).resolve()
    chosen = settings.chosen_stages(first, last)
    check_names('--again', again, [stage.name for stage in chosen])
    settings.check_keys()
    if launcher != 'none':
        start_processes(launcher)
    with _full_disk_explained(work_dir), locked(work_dir):
        if is_main_process():
            remove_temporary(work_dir, recursive=False)
            settings.save(work_dir / 'settings.py')
        barrier()
        settings.file = work_dir / 'settings.py'
        runs = stage_runs(settings, work_dir, launcher)
        _check_data({stage.name: runs[stage.name] for stage in chosen})
        for stage in chosen:
            runs[stage.name].check()
        _prepare(chosen, settings, runs)
        clock = Clock(runs, [stage.name for stage in chosen])
        for number, stage in enumerate(chosen, 1):
            _say(f'[{number}/{len(chosen)}] {stage.name}: {stage.title}')
            _run_stage(stage.name, runs, stage.name in again, clock)
            if is_main_process():
                _describe(settings, runs)
            barrier()
        evaluations = _all_evaluations(runs)
        if is_main_process():
            _conclude(runs, evaluations)
        barrier()
    return evaluations


@contextmanager
def _full_disk_explained(work_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InputError(
            f'the disk is full ({error.filename or work_dir}); free some space and give the '
            'same command again: finished stages are kept, this one goes on where it stopped'
        ) from error


def _check_data(runs: dict[str, StageRun]) -> None:
    """Look into the data of all stages, as `mmdrs doctor --quick`: all errors at once."""
    findings = check_data(runs)
    for finding in findings:
        if finding.severity == 'warning':
            _say(f'WARNING: {finding}')
    raise_errors(findings)
    for run in runs.values():  # data sets of other packages check themselves
        run.check_data()


def _prepare(chosen: list[Stage], settings: Settings, runs: dict[str, StageRun]) -> None:
    """Take up what the present settings had made of the stages before; they must be finished."""
    running = {stage.name for stage in chosen}
    needed = [name for name in _with_needs(chosen, runs) if name not in running]
    if is_main_process():
        for path in (path for run in runs.values() for path in StageState(run.folder).damaged()):
            _say(f'{path} is damaged and counts as not there')
        for name in needed:
            StageState(runs[name].folder).take_up(fingerprints(runs)[name])
        _describe(settings, runs)
    barrier()
    _check_needs(chosen, runs)


def _with_needs(chosen: list[Stage], runs: dict[str, StageRun]) -> list[str]:
    """The stages, and all that they are made from, in order."""
    wanted = {stage.name for stage in chosen}
    for name in reversed(runs):
        if name in wanted:
            wanted.update(runs[name].stage.needs)
    return [name for name in runs if name in wanted]


def _describe(settings: Settings, runs: dict[str, StageRun]) -> None:
    """Write what the present run is: the settings, the stages, the data sets, as plain data."""
    maps, scored = runs['drs_maps'], runs['evaluation'].given_datasets()
    datasets = dict(zip(maps.splits, maps.given_datasets(), strict=True))
    prints = fingerprints(runs)
    content = dict(
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
    write_json(maps.work_dir / 'pipeline.json', content)


def _run_stage(name: str, runs: dict[str, StageRun], again: bool, clock: Clock) -> None:
    """Run one stage unless it is finished and unchanged."""
    run = runs[name]
    state = StageState(run.folder)
    # One process decides: the others would see its files half-way.
    decision: list[Any] = [None, None]
    if is_main_process():
        wanted = fingerprints(runs)[name]
        decision = [_decide(state, wanted, again), wanted]
    broadcast_object_list(decision)
    status, wanted = decision
    if status == 'finished':
        _say('  finished and unchanged: skipped')
        clock.skip(name)
        return
    if is_main_process():
        state.start(wanted)
    barrier()
    if status in _CONTINUED:
        _say(f'  {_CONTINUED[status]}')
    began = time.monotonic()
    run.run(resume=status in ('interrupted', 'incomplete'))
    seconds = time.monotonic() - began
    if is_main_process():
        state.finish(wanted, seconds, run.weights())
    barrier()
    _say(f'  done in {format_seconds(seconds)}{clock.finish(name, seconds)}')


def _decide(state: StageState, wanted: Fingerprint, again: bool) -> Status:
    """What is to be done; a generation of these settings is taken up, another put aside."""
    if again:
        if state.has_content():
            _say(f'  made anew; the old results: {state.put_aside()}')
        return 'new'
    state.take_up(wanted)
    status = state.status(wanted)
    if status == 'outdated':
        _say(f'  its config or inputs have changed; the old results: {state.put_aside()}')
    elif status == 'new' and state.has_content():
        _say(f'  what is there has no valid record; it is kept: {state.put_aside()}')
    return status


_CONTINUED: dict[Status, str] = {
    'interrupted': 'goes on where it was stopped',
    'incomplete': 'some of its files are gone or were changed: what is missing is made again',
    'scores outdated': 'masks, label rules or dataset_name changed: scored again, its files stay',
}


def _check_needs(chosen: list[Stage], runs: dict[str, StageRun]) -> None:
    """With --from: the files of the stages before must be there, of the present settings."""
    running, prints = {stage.name for stage in chosen}, fingerprints(runs)
    for stage in chosen:
        for need in {*stage.needs, *runs[stage.name].sources()} - running:
            status = StageState(runs[need].folder).status(prints[need])
            if status in _UNUSABLE:
                raise InputError(
                    f'{stage.name} needs {need}, which is {_UNUSABLE[status]} in '
                    f'{runs[need].folder}; give --from {need}'
                )


_UNUSABLE: dict[Status, str] = {
    'new': 'not there',
    'interrupted': 'not finished',
    'incomplete': 'no longer complete',
    'outdated': 'made with another config or inputs',
}


def _all_evaluations(runs: dict[str, StageRun]) -> list[Evaluation]:
    """The records of the stages that are finished with the present settings.

    Their provenance says which of the stages that they come from were stopped and went on.
    """
    prints, found = fingerprints(runs), []
    for name, run in runs.items():
        if StageState(run.folder).status(prints[name]) != 'finished':
            continue
        states = {n: StageState(runs[n].folder) for n in _with_needs([run.stage], runs)}
        resumed = [n for n, state in states.items() if state.done and state.done['resumed']]
        for evaluation in run.evaluations():
            if resumed:
                made = dict(evaluation.provenance, resumed=resumed)
                evaluation = replace(evaluation, provenance=made)
            found.append(evaluation)
    return found


def _conclude(runs: dict[str, StageRun], evaluations: list[Evaluation]) -> None:
    """Write the results and say where everything is."""
    work_dir = runs['drs_maps'].work_dir
    results = work_dir / 'results.json'
    print(f'\n{score_table(evaluations)}')
    if evaluations or not has_scores(results):
        write_evaluations(results, evaluations, made_by(runs))
        print(f'\nresults: {_shown(results)}')
    else:
        print(f'\n{_shown(results)} is left as it is: no stage of these settings was scored')
    picture = write_overview(work_dir, runs)
    if picture:
        print(f'picture: {_shown(picture)}')
    if 'segmentation' in trained_stages(work_dir)[0]:
        quoted = shlex.quote(str(_shown(work_dir)))
        print(f'masks of other images: mmdrs predict {quoted} IMAGE --out DIR')
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
