"""Find what is wrong with the environment, the settings and the data, before hours are spent.

    mmdrs doctor
    mmdrs doctor settings.py --workers 2
    mmdrs doctor settings.py --json doctor.json --cfg-options data_root=DIR

Without settings it checks the packages and the GPU. With settings it also checks lists, images,
labels, masks, saliency maps, weights, the configs of all stages, memory and disk, and tells all
that it finds at once. It changes nothing. The exit code is 1 if there are errors, else 0.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmdrs.cli.arguments import add_options_argument, command, command_parser
from mmdrs.doctor.environment import environment_findings
from mmdrs.doctor.report import tell
from mmdrs.errors import InputError
from mmdrs.findings import Finding
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.diagnosis import diagnose
from mmdrs_command import found_versions


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the tool."""
    args = _parse(argv)
    findings, facts = environment_findings(), found_versions()
    if args.settings is not None:
        found, more = _of_settings(args)
        findings, facts = findings + found, facts | more
    code = tell(findings, facts, args.json)
    if code:
        sys.exit(code)


def _of_settings(args: argparse.Namespace) -> tuple[list[Finding], dict[str, Any]]:
    try:
        settings = load_settings(args.settings, args.cfg_options)
        return diagnose(settings, args.work_dir, not args.quick, args.workers)
    except InputError as error:
        return [Finding('error', 'settings', str(error))], {}


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(__doc__)
    parser.add_argument(
        'settings', nargs='?', help='settings file; without one only the packages are checked'
    )
    parser.add_argument('--quick', action='store_true', help='read only the headers of images')
    parser.add_argument(
        '--workers', type=int, default=2, help='processes that decode images; 0 is this one'
    )
    parser.add_argument('--work-dir', type=Path, help='where the results of a run will go')
    parser.add_argument('--json', metavar='FILE', help='write the findings as JSON; - prints them')
    add_options_argument(parser, 'overwrite settings')
    return parser.parse_args(argv)
