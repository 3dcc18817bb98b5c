"""Running the stages in order: what is finished is skipped, what was stopped goes on."""

import errno
import time
import warnings
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, broadcast_object_list, is_main_process
from mmseg.registry import DATASETS

from mmdrs.apis import InputError, start_processes
from mmdrs.engine import format_seconds
from mmdrs.pipeline.overview import write_overview
from mmdrs.pipeline.results import results_table, write_results
from mmdrs.pipeline.runs import StageRun
from mmdrs.pipeline.settings import Settings
from mmdrs.pipeline.stages import choose_stages
from mmdrs.pipeline.state import StageState, fingerprint, write_json


def run_pipeline(
    settings: Settings,
    work_dir: str | Path | None = None,
    first: str | None = None,
    last: str | None = None,
    launcher: str = 'none',
) -> list[dict[str, Any]]:
    """Run the stages of a pipeline.

    Args:
        settings: The settings.
        work_dir: Where everything goes; default that of the settings, or ./work_dirs/<their name>.
        first: First stage to run.
        last: Last stage to run.
        launcher: MMEngine's launcher, where several processes run this function.

    Returns:
        The scores of all finished stages, as in ``results.json``.

    Raises:
        InputError: If an input is missing or wrong.
    """
    # What the libraries warn of at every stage (deprecations, defaults) tells users nothing.
    warnings.filterwarnings('ignore', module=r'(mmseg|mmengine|mmcv)\.')
    work_dir = Path(work_dir or settings.cfg.work_dir).resolve()
    if launcher != 'none':
        start_processes(launcher)
    if is_main_process():
        settings.save(work_dir / 'settings.py')
    barrier()
    settings.file = work_dir / 'settings.py'

    chosen = choose_stages(settings['stages'], first, last)
    runs = {
        stage.name: StageRun(stage, settings, work_dir, launcher)
        for stage in choose_stages(settings['stages'])
    }
    prints = fingerprints(runs)
    check_inputs([runs[stage.name] for stage in chosen])
    if is_main_process():
        write_json(work_dir / 'pipeline.json', _description(settings, runs, prints))
    _check_needs(chosen, work_dir, prints)
    clock = _Clock(runs, [stage.name for stage in chosen])
    for number, stage in enumerate(chosen, 1):
        _say(f'[{number}/{len(chosen)}] {stage.name}: {stage.title}')
        _run_stage(runs[stage.name], prints[stage.name], clock)
    records = _all_records(runs, prints)
    if is_main_process():
        write_results(work_dir / 'results.json', records)
        print(f'\n{results_table(records)}')
        print(f'\nresults: {_shown(work_dir / "results.json")}')
        picture = write_overview(work_dir, runs)
        if picture:
            print(f'picture: {_shown(picture)}')
    barrier()
    return records


def _description(
    settings: Settings, runs: dict[str, StageRun], prints: dict[str, str]
) -> dict[str, Any]:
    """What the present run is: the settings, the stages, the data sets, as plain data."""
    maps = runs['drs_maps']
    datasets = {
        split: dict(maps.split_config(split).test_dataloader.dataset.to_dict(), pipeline=[])
        for split in maps.splits()
    }
    scored = runs['evaluation'].config().get('test_dataloader')
    return dict(
        format=1,
        settings=settings.cfg.to_dict(),
        stages={
            name: dict(kind=run.stage.kind, title=run.stage.title, fingerprint=prints[name])
            for name, run in runs.items()
        },
        datasets=dict(
            datasets, evaluation=dict(scored.dataset.to_dict(), pipeline=[]) if scored else None
        ),
    )


def _run_stage(run: StageRun, print_: str, clock: '_Clock') -> None:
    """Run one stage unless it is finished and unchanged."""
    state = StageState(run.folder)
    # One process decides: the others would see its files half-way.
    decision = [state.status(print_)]
    broadcast_object_list(decision)
    status = decision[0]
    if status == 'finished':
        _say('  finished and unchanged: skipped')
        clock.skip(run.stage.name)
        return
    if is_main_process():
        if status == 'outdated':
            _say(
                f'  its config or inputs have changed: the old results are in {state.put_aside()}'
            )
        state.start(print_)
    barrier()
    if status == 'interrupted':
        _say('  goes on where it was stopped')
    began = time.monotonic()
    try:
        records = run.run(resume=status == 'interrupted')
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise InputError(
                f'the disk is full ({error.filename or run.folder}); free some space and give the '
                'same command again: finished stages are kept, this one goes on where it stopped'
            ) from error
        raise
    seconds = time.monotonic() - began
    if is_main_process():
        state.finish(print_, seconds, records)
    barrier()
    _say(f'  done in {format_seconds(seconds)}{clock.finish(run.stage.name, seconds)}')


def fingerprints(runs: dict[str, StageRun]) -> dict[str, str]:
    """What each stage would be made from now."""
    prints: dict[str, str] = {}
    files: dict[str, str] = {}  # of what others use, its scores apart
    for name, run in runs.items():
        inputs = [files[need] for need in run.stage.needs]
        prints[name] = fingerprint(run.ingredients(), run.lists(), inputs)
        files[name] = fingerprint(run.ingredients(scores=False), run.lists(), inputs)
    return prints


def check_inputs(runs: list[StageRun]) -> None:
    """Read every list and look for every image, mask and saliency map before hours are spent."""
    checked = set()
    for run in runs:
        for config in run.given_datasets():
            if repr(config) not in checked:
                checked.add(repr(config))
                DATASETS.build(config)
        if run.stage.kind == 'labels':
            run.check_cue()


def _check_needs(chosen: list, work_dir: Path, prints: dict[str, str]) -> None:
    """With --from: the stages before must be finished, with the present settings."""
    running = {stage.name for stage in chosen}
    for stage in chosen:
        for need in stage.needs:
            if need not in running:
                status = StageState(work_dir / need).status(prints[need])
                if status != 'finished':
                    raise InputError(
                        f'{stage.name} needs {need}, which is {_STATUS[status]} in '
                        f'{work_dir / need}; give --from {need}'
                    )


_STATUS = dict(
    new='not there', interrupted='not finished', outdated='made with another config or inputs'
)


def _all_records(runs: dict[str, StageRun], prints: dict[str, str]) -> list[dict[str, Any]]:
    """The scores of the stages that are finished with the present settings."""
    states = {name: StageState(run.folder) for name, run in runs.items()}
    finished = [s for name, s in states.items() if s.status(prints[name]) == 'finished']
    return [record for state in finished for record in state.done['records']]


def _shown(path: Path) -> str:
    """A path as short as it can be told from here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _say(message: str) -> None:
    if is_main_process():
        print(message, flush=True)


class _Clock:
    """Estimates the time of the stages to come from that of the stages behind.

    The work of a stage is counted in images through a network, forward and backward three times
    as much as forward. Networks differ, so this is a rough figure.
    """

    def __init__(self, runs: dict[str, StageRun], names: list[str]) -> None:
        self.left = {name: self._work(runs[name]) for name in names}
        self.done = self.seconds = 0.0

    @staticmethod
    def _work(run: StageRun) -> float:
        cfg = run.config()
        if run.stage.kind == 'maps':
            scales = len(cfg.tta_model.scales)
            return float(scales * sum(run.count_images(path) for path in run.splits().values()))
        if run.stage.kind != 'train':
            return 0.0
        if cfg.train_cfg.get('max_iters'):
            return 3.0 * cfg.train_dataloader.batch_size * cfg.train_cfg.max_iters
        return 3.0 * run.count_images(run.settings['train_list']) * cfg.train_cfg.max_epochs

    def skip(self, name: str) -> None:
        del self.left[name]

    def finish(self, name: str, seconds: float) -> str:
        """Note a finished stage; returns the words on the time left, '' where unknown."""
        self.done += self.left.pop(name)
        self.seconds += seconds
        left = sum(self.left.values())
        if not left or not self.done:
            return ''
        return f'; about {format_seconds(self.seconds / self.done * left)} left for all stages'
