#!/usr/bin/env python
"""Measure speed, memory and disk, ours beside a plain restatement, and print one table.

    python tools/benchmark.py all --json benchmark.json
    python tools/benchmark.py layer maps --device cuda

Close other programs first: the sides are timed in turn, but they share the machine. What each part
measures is described in docs/performance.md.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the benchmarks are not part of the package

from benchmarks import PARTS  # noqa: E402
from benchmarks.measure import Row, to_json, to_markdown  # noqa: E402
from mmdrs.cli.arguments import command, command_parser  # noqa: E402
from mmdrs.errors import InputError  # noqa: E402
from mmdrs.files import written_whole  # noqa: E402


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = command_parser(__doc__)
    parser.add_argument('parts', nargs='+', choices=[*PARTS, 'all'], help='what to measure')
    default = 'cuda' if torch.cuda.is_available() else 'cpu'
    parser.add_argument('--device', default=default, help=f'default here: {default}')
    parser.add_argument('--repeats', type=int, default=5, help='timed runs of each side')
    parser.add_argument('--threads', type=int, help='threads of PyTorch; default: its own choice')
    parser.add_argument('--json', metavar='F', help='also write the values into this file')
    args = parser.parse_args(argv)
    if args.repeats < 1:
        parser.error('--repeats must be at least 1')
    return args


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    # Of MM's start-up, several times a run; also in the processes that are started here.
    warnings.simplefilter('ignore')
    os.environ['PYTHONWARNINGS'] = 'ignore'
    device = torch.device(args.device)
    if device.type == 'cuda' and not torch.cuda.is_available():
        raise InputError('--device cuda: PyTorch finds no GPU here')
    rows: list[Row] = []
    for part in PARTS if 'all' in args.parts else args.parts:
        print(f'{part} ...', file=sys.stderr, flush=True)
        rows += PARTS[part](device, args.repeats)
        if args.json:  # after every part: a later one may be stopped
            with written_whole(Path(args.json)) as temporary:
                temporary.write_text(json.dumps(to_json(rows, device), indent=1) + '\n', 'utf-8')
    print(to_markdown(rows))


if __name__ == '__main__':
    main()
