"""Running an ablation, one run after the other."""

import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, is_main_process

from mmdrs.apis import start_processes
from mmdrs.engine import format_seconds
from mmdrs.pipeline.ablation.checks import check_runs
from mmdrs.pipeline.ablation.planning import DRS_STAGES, LAST, AblationRun, plan_runs
from mmdrs.pipeline.ablation.tables import draw_plots, read_records, write_tables
from mmdrs.pipeline.ablation.variants import Variant, check_names
from mmdrs.pipeline.driver import run_pipeline
from mmdrs.pipeline.state import StageState


def run_ablation(
    path: str | Path,
    options: Mapping[str, Any] | None,
    variants: Sequence[Variant],
    seeds: Sequence[int],
    work_dir: str | Path,
    launcher: str = 'none',
) -> list[dict[str, Any]]:
    """Make the maps of every variant with every seed; what is finished is skipped.

    Writes ``ablation.json``, ``ablation.md`` and plots into the work directory, the first two
    after every run.

    Args:
        path: The settings file.
        options: Changes of the settings that all runs have.
        variants: The variants.
        seeds: The seeds.
        work_dir: Where everything goes.
        launcher: MMEngine's launcher, where several processes run this function.

    Returns:
        The records ``{variant, delta, layers, seed, split, metric, value}``.

    Raises:
        InputError: If an option, an input or a name is wrong; nothing was trained then.
    """
    work_dir = Path(work_dir).resolve()
    check_names(variants, seeds)
    if launcher != 'none':
        start_processes(launcher)
    with tempfile.TemporaryDirectory() as scratch:
        runs = plan_runs(path, options or {}, variants, seeds, work_dir, Path(scratch))
        check_runs(runs)
    # Of all finished runs, also of those that come later than the one that is made now.
    found = {run.title: read_records(run) for run in runs if run.finished()}
    for number, run in enumerate(runs):
        head = f'run {number + 1} of {len(runs)}: {run.title}'
        if run.title in found:
            _say(f'{head}: finished and unchanged, skipped')
            continue
        _say(f'{head}{_time_left(runs[number:], runs)}')
        _make(run, launcher)
        found[run.title] = read_records(run)
        write_tables(work_dir, runs, found)
    records = write_tables(work_dir, runs, found)
    if is_main_process():
        draw_plots(work_dir, records)
        _say(f'table: {work_dir / "ablation.md"}')
    barrier()
    return records


def _make(run: AblationRun, launcher: str) -> None:
    barrier()  # no process shall still look at files that are linked anew here
    if is_main_process():
        _link_shared(run)
    barrier()
    first, last = (DRS_STAGES[0], LAST) if run.variant else (None, 'plain_maps')
    run_pipeline(run.settings, run.folder, first, last, launcher)


def _link_shared(run: AblationRun) -> None:
    """Put links to the shared stages in the place where the pipeline looks for them."""
    run.folder.mkdir(parents=True, exist_ok=True)
    for name in run.stages:
        link = run.folder / name
        if link.is_symlink():  # possibly of an earlier command, to another run
            link.unlink()
        if name in run.shared:
            if link.exists():
                StageState(link).put_aside()
            target = os.path.relpath(run.shared[name].folder / name, run.folder)
            link.symlink_to(target, target_is_directory=True)


def _time_left(left: Sequence[AblationRun], runs: Sequence[AblationRun]) -> str:
    """The words on the time of the runs that are not finished; '' where nothing is known.

    A run takes what the finished ones of its kind took in the mean.
    """
    known: dict[bool, list[float]] = {True: [], False: []}
    for run in runs:
        if run.finished():
            known[run.variant is None].append(run.seconds())
    every = [*known[True], *known[False]]
    if not every:
        return ''
    means = {kind: statistics.mean(values or every) for kind, values in known.items()}
    seconds = sum(means[run.variant is None] for run in left if not run.finished())
    return f' (about {format_seconds(seconds)} left for all runs)'


def _say(message: str) -> None:
    if is_main_process():
        print(message, flush=True)
