"""``mmdrs doctor`` where the package cannot be imported: the environment alone."""

import argparse
from collections.abc import Mapping, Sequence

from mmdrs.doctor.environment import environment_findings
from mmdrs.doctor.report import tell
from mmdrs.findings import Finding


def main(argv: Sequence[str], failure: BaseException, versions: Mapping[str, str]) -> int:
    """Check the environment.

    Args:
        argv: The command line; of it only ``--json`` is read.
        failure: What ``import mmdrs`` raised.
        versions: Versions of the packages.

    Returns:
        The exit code: 1.
    """
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument('--json', metavar='FILE')
    args, others = parser.parse_known_args(argv)
    findings = environment_findings(failure)
    if others:
        message = 'settings and data were not checked: first the package must be importable'
        findings.append(Finding('note', 'mmdrs', message))
    return tell(findings, versions, args.json)
