"""Errors in the user's input. The commands print the message without a traceback."""

import difflib
from collections.abc import Iterable, Sequence


class InputError(ValueError):
    """A config, a checkpoint or an option cannot be used as given."""


class MissingFileError(InputError, FileNotFoundError):
    """A file that the user named does not exist."""


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """``"; did you mean 'a' or 'b'?"`` for the closest candidates, or an empty string."""
    close = difflib.get_close_matches(name, list(candidates), n=3, cutoff=0.6)
    return f'; did you mean {" or ".join(repr(item) for item in close)}?' if close else ''


def first_lines(lines: Sequence[str], limit: int = 5, indent: str = '  ') -> str:
    """The first ``limit`` lines, indented, and how many more there are."""
    shown = [f'{indent}{line}' for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(f'{indent}... and {len(lines) - limit} more')
    return '\n'.join(shown)
