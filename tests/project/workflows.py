"""Reads the workflows of .github/workflows as plain data."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.pipeline_runs import ROOT

FOLDER = ROOT / '.github' / 'workflows'
Job = dict[str, Any]


def read_workflow(path: Path) -> dict[str, Any]:
    """Return a workflow; YAML reads its key ``on`` as true."""
    content = yaml.safe_load(path.read_text(encoding='utf-8'))
    return {('on' if key is True else key): value for key, value in content.items()}


def all_jobs() -> Iterator[tuple[str, str, Job]]:
    """Yield file name, job name and job."""
    for path in sorted(FOLDER.glob('*.yml')):
        for name, job in read_workflow(path)['jobs'].items():
            yield path.name, name, job


def combinations(job: Job) -> list[dict[str, Any]]:
    """Return the combinations of the matrix of a job, one empty one where it has none."""
    matrix = job.get('strategy', {}).get('matrix', {})
    return [
        dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())
    ]


def filled(text: str, combination: dict[str, Any]) -> str:
    """Replace ``${{ matrix.a.b }}`` by the values of a combination."""

    def value(found: re.Match) -> str:
        result = combination
        for key in found[1].split('.'):
            result = result[key]
        return str(result)

    return re.sub(r'\$\{\{ matrix\.([\w.]+) \}\}', value, text)


def commands(job: Job) -> list[str]:
    """Return what the ``run`` steps of a job run, for each combination of its matrix."""
    texts = [step['run'] for step in job.get('steps', []) if 'run' in step]
    return [filled(text, combination) for combination in combinations(job) for text in texts]
