"""The table of several pipeline runs that differ in their seed: mean ± standard deviation."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mmdrs.errors import InputError
from mmdrs.pipeline.results import results_table


def read_results(work_dirs: Sequence[Path]) -> list[dict]:
    """The records of all runs.

    Raises:
        InputError: If a run has no results, or two have the same seed.
    """
    records, seeds = [], {}
    for work_dir in work_dirs:
        path = work_dir / 'results.json'
        if not path.is_file():
            raise InputError(f'{work_dir} holds no results.json: run tools/pipeline.py there')
        found = json.loads(path.read_text())
        for seed in {record['seed'] for record in found}:
            if seed in seeds:
                raise InputError(f'{work_dir} and {seeds[seed]} have the same seed {seed}')
            seeds[seed] = work_dir
        records += found
    return records


def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dirs', nargs='+', type=Path, help='work directories of the pipeline')
    args = parser.parse_args(argv)
    try:
        print(results_table(read_results(args.work_dirs)))
    except InputError as error:
        sys.exit(f'error: {error}')
