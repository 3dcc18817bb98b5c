"""Compare this package with values that the authors' released code computed.

    python tools/parity.py GOLDEN_DIR

Prints a table and exits 1 if a row differs by more than its tolerance or is missing.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the comparison is part of the tests

from mmengine.logging import MMLogger  # noqa: E402

from mmdrs.cli.arguments import command  # noqa: E402
from mmdrs.files import written_whole  # noqa: E402
from tests.parity.golden import GoldenFolder  # noqa: E402
from tests.parity.parity import ROWS, Row, compare  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        'golden', help='folder of golden values: seed.txt, keys_*.json and *.npz files'
    )
    parser.add_argument('--only', default='*', help="rows to compare, e.g. 'DeepLab*'")
    parser.add_argument('--markdown', help='also write the table to this file')
    return parser.parse_args(argv)


def difference(row: Row) -> str:
    return 'missing' if row.difference is None else f'{row.difference:.1e}'


def markdown(rows: Sequence[Row]) -> str:
    """The table for docs/parity.md."""
    lines = ['| row | largest difference | tolerance | verdict |', '|---|---|---|---|']
    for row in rows:
        verdict = 'pass' if row.passed else 'FAIL'
        cells = (row.name, f'{difference(row)} {row.measure}', f'{row.tolerance:g}', verdict)
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    MMLogger.get_current_instance().setLevel('WARNING')  # one line per parameter otherwise
    width = max(map(len, ROWS))
    rows = []
    for row in compare(GoldenFolder(args.golden), ROOT / 'configs', args.only):
        rows.append(row)
        verdict = 'pass' if row.passed else f'FAIL {row.reason}'
        print(
            f'{row.name:{width}}  {difference(row):>8}  (tolerance {row.tolerance:g} '
            f'{row.measure})  {verdict}',
            flush=True,
        )
    if args.markdown:
        with written_whole(args.markdown) as temporary:
            temporary.write_text(markdown(rows), 'utf-8')
    failed = [row for row in rows if not row.passed]
    print(f'{len(rows) - len(failed)} of {len(rows)} rows agree')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
