"""Rank evaluations of work directories, among published results where there are any.

    mmdrs leaderboard run_0 run_1 --task seg

Runs that differ in nothing but their seed are averaged. What does not belong (interrupted stages,
other data sets or classes) is named on the error output and left out.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from mmdrs.errors import InputError
from mmdrs.evaluation.records.record import TASKS
from mmdrs.files import written_whole
from mmdrs.reporting.leaderboard.collection import collect
from mmdrs.reporting.leaderboard.ranking import read_published, rows
from mmdrs.reporting.leaderboard.table_formats import FORMATS


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('work_dirs', nargs='+', type=Path, help='work directories')
    parser.add_argument('--task', choices=TASKS, help='seed (maps), pseudo (labels) or seg')
    parser.add_argument('--dataset', help='name of the data set; default that of the first record')
    parser.add_argument('--format', choices=tuple(FORMATS), default='md')
    parser.add_argument('--out', type=Path, help='file to write; default the console')
    args = parser.parse_args(argv)
    found, left_out = collect(args.work_dirs, args.dataset)
    for line in left_out:
        print(f'left out: {line}', file=sys.stderr)
    own = rows(found, args.task)
    if not own:
        raise InputError(f'no evaluation of the task {args.task!r} in these directories')
    text = FORMATS[args.format](own, read_published())
    if args.out is None:
        print(text, end='')
        return
    with written_whole(args.out) as temporary:
        temporary.write_text(text, encoding='utf-8')
    print(f'leaderboard: {args.out}')
