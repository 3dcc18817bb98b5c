"""A report on a pipeline run: one HTML file, which needs nothing else and no network.

    mmdrs report run

It shows scores, times and settings, images through all stages (worst and best first), curves by
threshold and of the trainings, and scores by class and by size of the objects. The curves are
also written as PNG files beside it.
"""

from collections.abc import Sequence
from pathlib import Path

from mmdrs.cli.arguments import command, command_parser
from mmdrs.reporting.report import IMAGES, write_report


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    parser = command_parser(__doc__)
    parser.add_argument('work_dir', type=Path, help='work directory of mmdrs run')
    parser.add_argument('--out', type=Path, help='HTML file; default WORK_DIR/report.html')
    parser.add_argument('--examples', type=int, default=IMAGES, help='how many images it shows')
    parser.add_argument(
        '--split',
        choices=('val', 'train'),
        help='images of which list; default val where the run has one',
    )
    parser.add_argument('--data-root', type=Path, help='the data, if they have been moved')
    args = parser.parse_args(argv)
    path = write_report(args.work_dir, args.out, args.examples, args.split, args.data_root)
    print(f'report: {path}')
