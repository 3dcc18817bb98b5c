#!/usr/bin/env python
"""The table of several pipeline runs that differ in their seed: mean ± standard deviation."""

from collections.abc import Sequence
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import Evaluation, read_evaluations
from mmdrs.evaluation.records.table import score_table


def read_runs(work_dirs: Sequence[Path]) -> list[Evaluation]:
    """The records of all runs.

    Raises:
        InputError: If a run has no results, they are damaged, or two runs have the same seed.
    """
    evaluations: list[Evaluation] = []
    seeds: dict[int | None, Path] = {}
    for work_dir in work_dirs:
        path = work_dir / 'results.json'
        if not path.is_file():
            raise InputError(f'{work_dir} holds no results.json: run tools/pipeline.py there')
        found = read_evaluations(path)
        for seed in {evaluation.seed for evaluation in found}:
            if seed in seeds:
                raise InputError(f'{path} and {seeds[seed]} have the same seed {seed}')
            seeds[seed] = path
        evaluations += found
    return evaluations


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('work_dirs', nargs='+', type=Path, help='work directories of the pipeline')
    print(score_table(read_runs(parser.parse_args(argv).work_dirs)))


if __name__ == '__main__':
    main()
