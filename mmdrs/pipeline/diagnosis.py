"""All that can be said of a pipeline before it runs: its data, weights, configs, memory, disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mmdrs.datasets.content_checks import Found, look_at
from mmdrs.doctor.data import data_findings, given_data
from mmdrs.doctor.given import read_list
from mmdrs.doctor.resources import Job, mean_labels, resource_findings
from mmdrs.doctor.weights import weight_findings
from mmdrs.errors import InputError
from mmdrs.findings import Finding
from mmdrs.pipeline.runs import StageRun, stage_runs
from mmdrs.pipeline.settings import Settings

#: Files that each kind of stage writes for an image.
_WRITES: dict[str, Literal['maps', 'labels']] = {
    'maps': 'maps',
    'foreground': 'labels',
    'labels': 'labels',
    'self_maps': 'maps',
    'self_labels': 'labels',
    'test': 'labels',
}
#: Images whose sizes are looked up for the estimates.
_SAMPLE = 200


def diagnose(
    settings: Settings, work_dir: Path | None = None, decode: bool = True, workers: int = 0
) -> tuple[list[Finding], dict[str, Any]]:
    """Check everything that a run of these settings needs.

    Args:
        settings: The settings.
        work_dir: Where the results would go; None as in a run.
        decode: Decode every image, not only its header.
        workers: Processes that decode.

    Returns:
        Findings, and facts: the estimates of memory and disk.
    """
    work_dir = Path(work_dir or settings.cfg.work_dir).resolve()
    findings = []
    try:
        settings.check_keys()
    except InputError as error:
        findings.append(Finding('error', 'settings', str(error)))
    runs = stage_runs(settings, work_dir)
    findings += check_data(runs, decode, workers)
    starting = {
        name: run.config().to_dict()
        for name, run in runs.items()
        if run.stage.kind == 'train' and not run.stage.weights
    }
    findings += weight_findings(starting, settings.values())
    more, facts = resource_findings(_jobs(runs), work_dir)
    findings += more
    told = '\n'.join(map(str, findings))
    for name, run in runs.items():
        try:
            run.check()
        except InputError as error:
            if not _is_told(str(error), told):
                findings.append(Finding('error', name, str(error)))
    return list(dict.fromkeys(findings)), facts


def _is_told(message: str, told: str) -> bool:
    """Whether findings say what the check of a stage says, which begins with where it is."""
    return message.rpartition(': ')[2] in told


def check_data(
    runs: Mapping[str, StageRun], decode: bool = False, workers: int = 0
) -> list[Finding]:
    """Look into the data of stages; arguments as of :func:`diagnose`."""
    configs = [config for run in runs.values() for config in run.given_datasets()]
    settings = next(iter(runs.values())).settings
    return data_findings(given_data(configs, settings.values()), decode, workers)


def _jobs(runs: Mapping[str, StageRun]) -> list[Job]:
    """What the stages do; nothing where the list of the training images cannot be read."""
    first = runs['drs_maps']
    known = given_data(first.given_datasets(), first.settings.values())
    lists = [listed for listed, _ in map(read_list, known) if listed is not None]
    if len(lists) < len(first.splits):
        return []
    sizes = [
        found.height * found.width
        for found in look_at(lists[0].paths('img_path')[:_SAMPLE], 'img_path')
        if type(found) is Found
    ]
    pixels, labels = float(np.mean(sizes or [0])), mean_labels(lists[0].infos)
    trained, all_images = len(lists[0].infos), sum(len(listed.infos) for listed in lists)
    jobs = []
    for name, run in runs.items():
        kind = run.stage.kind
        if kind == 'train':
            jobs.append(Job(name, 'train', run.config(), trained, pixels, labels))
        elif kind in _WRITES:
            images = trained if kind.startswith('self_') else all_images
            jobs.append(Job(name, _WRITES[kind], run.config(), images, pixels, labels))
    return jobs
