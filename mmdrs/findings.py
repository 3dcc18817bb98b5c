"""What a check has found: how bad it is, where, and what to do. Needs no other package."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mmdrs.errors import InputError, first_lines

Severity = Literal['error', 'warning', 'note']
#: Worst first.
SEVERITIES: tuple[Severity, ...] = ('error', 'warning', 'note')


@dataclass(frozen=True)
class Finding:
    """One thing that a check has found.

    Attributes:
        severity: ``error`` stops a run or makes it useless, ``warning`` may make it worse,
            ``note`` is good to know.
        where: The user's key (``mask_dir``), or the file.
        message: What is wrong, in a few words; with examples, they follow after a colon.
        examples: A line for each file or item that it is about.
        remedy: What to do; '' where it is plain.
    """

    severity: Severity
    where: str
    message: str
    examples: tuple[str, ...] = ()
    remedy: str = ''

    def __str__(self) -> str:
        """The finding with its first examples, on several lines."""
        head = f'{self.where}: {self.message}' if self.where else self.message
        lines = [f'{head}:', first_lines(self.examples)] if self.examples else [head]
        return '\n'.join([*lines, *([self.remedy] if self.remedy else [])])

    def content(self) -> dict[str, Any]:
        """The finding as plain values, for JSON."""
        return dict(asdict(self), examples=list(self.examples))


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    """Those that are errors."""
    return [finding for finding in findings if finding.severity == 'error']


def raise_errors(findings: Iterable[Finding], kind: type[InputError] = InputError) -> None:
    """Raise all errors among the findings as one error, if there are any."""
    found = errors_of(findings)
    if found:
        raise kind('\n'.join(map(str, found)))
