"""Faults of uploads, collected and reported."""

from mmdrs.errors import first_lines

SHOWN = 10
"""How many faults of a kind a message names."""

MISSING = 'missing images'
UNREADABLE = 'not a PNG, or unreadable'


class Faults:
    """What is wrong with an archive or with predictions, by kind, in the order of the finding."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def __len__(self) -> int:
        return sum(len(lines) for lines in self._lines.values())

    def add(self, kind: str, line: str) -> None:
        """Note a fault: ``kind`` is the heading, ``line`` says which file and what."""
        self._lines.setdefault(kind, []).append(line)

    def of(self, start: str) -> list[str]:
        """Return the lines of the kinds whose heading starts with ``start``."""
        kinds = [kind for kind in self._lines if kind.startswith(start)]
        return [line for kind in kinds for line in self._lines[kind]]

    def count(self) -> str:
        """Return '1 fault', '2 faults' and so on."""
        return '1 fault' if len(self) == 1 else f'{len(self)} faults'

    def text(self) -> str:
        """Return every kind with its number and its first ten faults, sorted."""
        return '\n'.join(
            f'  {kind}: {len(lines)}\n{first_lines(sorted(lines), SHOWN, "    ")}'
            for kind, lines in self._lines.items()
        )
