"""Running an ablation, one trial after the other."""

import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, is_main_process, master_only

from ablation.planning import DRS_STAGES, Trial, check_trials, plan_trials
from ablation.plots import draw_plots
from ablation.results import (
    VariantResult,
    ablation_rows,
    read_result,
    scored_splits,
    write_results,
)
from ablation.variants import Variant, check_names
from mmdrs.apis import start_processes
from mmdrs.engine import format_seconds
from mmdrs.pipeline.driver import run_pipeline
from mmdrs.stage_state import StageState


def run_ablation(
    path: str | Path,
    options: Mapping[str, Any] | None,
    variants: Sequence[Variant],
    seeds: Sequence[int],
    work_dir: str | Path,
    launcher: str = 'none',
) -> list[VariantResult]:
    """Make the maps of every variant with every seed; what is finished is skipped.

    Writes ``ablation.json`` and ``ablation.md`` into the work directory after every trial, and
    plots at the end.

    Args:
        path: The settings file.
        options: Changes of the settings for all trials.
        variants: What is compared with the plain classifier.
        seeds: Every variant is trained with each.
        work_dir: Where everything goes.
        launcher: MMEngine's launcher, where several processes run this function.

    Returns:
        The scores of every trial, in order.

    Raises:
        InputError: If an option, an input or a name is wrong; raised before any training.
    """
    work_dir = Path(work_dir).resolve()
    check_names(variants, seeds)
    if launcher != 'none':
        start_processes(launcher)
    with tempfile.TemporaryDirectory() as scratch:
        trials = plan_trials(path, options or {}, variants, seeds, work_dir, Path(scratch))
        check_trials(trials)
        # Of all finished trials, also of those after the one that is made now.
        found = {trial.title: read_result(trial) for trial in trials if trial.finished()}
        for number, trial in enumerate(trials):
            head = f'run {number + 1} of {len(trials)}: {trial.title}'
            if trial.title in found:
                _say(f'{head}: finished and unchanged, skipped')
                continue
            _say(f'{head}{_time_left(trials[number:], trials)}')
            _make(trial, launcher)
            found[trial.title] = read_result(trial)
            write_results(work_dir, trials, found)
        write_results(work_dir, trials, found)
    results = [found[trial.title] for trial in trials]
    if is_main_process():
        draw_plots(work_dir, ablation_rows(results, scored_splits(trials)[0], accuracy=True))
        _say(f'table: {work_dir / "ablation.md"}')
    barrier()
    return results


def _make(trial: Trial, launcher: str) -> None:
    barrier()  # no process may still read files whose links are replaced here
    _link_shared(trial)
    barrier()
    first, last = (None, 'plain_maps') if trial.is_plain else DRS_STAGES
    run_pipeline(trial.settings, trial.folder, first, last, launcher)


@master_only
def _link_shared(trial: Trial) -> None:
    """Put links to the shared stages where the pipeline looks for them."""
    trial.folder.mkdir(parents=True, exist_ok=True)
    for name in trial.stages:
        link = trial.folder / name
        if link.is_symlink():  # possibly of an earlier command, to another trial
            link.unlink()
        if name in trial.shared:
            if link.exists():
                StageState(link).put_aside()
            target = os.path.relpath(trial.shared[name].folder / name, trial.folder)
            link.symlink_to(target, target_is_directory=True)


def _time_left(left: Sequence[Trial], trials: Sequence[Trial]) -> str:
    """The estimated time of the trials left, from the finished ones of their kind; '' if none."""
    done = [trial for trial in trials if trial.finished()]
    if not done:
        return ''
    means = {}
    for kind in (True, False):
        alike = [trial for trial in done if trial.is_plain == kind] or done
        means[kind] = statistics.mean(trial.seconds() for trial in alike)
    seconds = sum(means[trial.is_plain] for trial in left if not trial.finished())
    return f' (about {format_seconds(seconds)} left for all runs)'


@master_only
def _say(message: str) -> None:
    print(message, flush=True)
