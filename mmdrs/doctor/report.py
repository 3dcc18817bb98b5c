"""Telling findings, as text or JSON. Needs no other package."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmdrs.files import write_json
from mmdrs.findings import SEVERITIES, Finding, errors_of

#: Version of the JSON.
FORMAT = 1


def tell(findings: Sequence[Finding], facts: Mapping[str, Any], json_to: str | None = None) -> int:
    """Print findings, the worst first, and the facts before them.

    Args:
        findings: What was found.
        facts: What else is good to know, such as versions; texts and numbers by name.
        json_to: File to write as JSON too; ``-`` prints JSON and nothing else.

    Returns:
        The exit code: 1 with errors, else 0.
    """
    code = 1 if errors_of(findings) else 0
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    content = dict(
        format=FORMAT,
        errors=len(errors_of(findings)),
        facts=dict(facts),
        findings=[finding.content() for finding in ordered],
    )
    if json_to == '-':
        print(json.dumps(content, indent=1, default=str))
        return code
    for name, value in facts.items():
        print(f'{name}: {value}')
    for finding in ordered:
        first, *rest = str(finding).splitlines()
        print(f'\n{finding.severity.upper()}  {first}')
        print(*(f'  {line}' for line in rest), sep='\n', end='\n' if rest else '')
    print(f'\n{summary(findings)}')
    if json_to is not None:
        write_json(Path(json_to), content)
    return code


def summary(findings: Sequence[Finding]) -> str:
    """How many of each severity: ``1 error, 2 warnings, 0 notes``."""
    counts = {kind: sum(f.severity == kind for f in findings) for kind in SEVERITIES}
    return ', '.join(f'{n} {kind}{"" if n == 1 else "s"}' for kind, n in counts.items())
