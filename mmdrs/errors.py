"""Errors in the user's input. The commands print the message without a traceback."""

import difflib
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


class InputError(ValueError):
    """A config, a checkpoint or an option cannot be used as given."""


class MissingFileError(InputError, FileNotFoundError):
    """A file that the user named does not exist."""


@contextmanager
def naming(where: object) -> Iterator[None]:
    """Begin the message of an :class:`InputError` of the block with the file that it is about."""
    try:
        yield
    except InputError as error:
        raise type(error)(f'{where}: {error}') from error


#: What the libraries raise when a part cannot be built or run as its config says.
_CONFIG_FAILURES = (
    *(AssertionError, AttributeError, ImportError, IndexError, KeyError, OSError),
    *(RuntimeError, TypeError, ValueError),
)


@contextmanager
def blamed_on(what: str) -> Iterator[None]:
    """Turn errors of a config into errors of the user that begin with ``what`` it belongs to.

    Raises:
        InputError: If the block raises what a wrong config makes the libraries raise.
    """
    try:
        yield
    except _CONFIG_FAILURES as error:
        raise InputError(f'{what}: {_reason(error)}') from error


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError) and error.args:
        return str(error.args[0])  # its text is the quoted message
    if str(error):
        return str(error)
    # Many assertions of the libraries have no message; their condition says what is wrong.
    raised_at = traceback.extract_tb(error.__traceback__)[-1]
    where = f'{Path(raised_at.filename).name}, line {raised_at.lineno}'
    return f'{type(error).__name__} in {where}: {raised_at.line}'


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """``"; did you mean 'a' or 'b'?"`` for the closest candidates, or an empty string."""
    close = difflib.get_close_matches(name, list(candidates), n=3, cutoff=0.6)
    return f'; did you mean {" or ".join(repr(item) for item in close)}?' if close else ''


def check_keys(where: str, config: object, known: Iterable[str]) -> None:
    """Check the keys of a part of a config.

    Raises:
        InputError: If the part is no dict, or has a key that is not known; names a close one.
    """
    known = list(known)
    if not isinstance(config, Mapping):
        raise InputError(f'{where} must be a dict, got {config!r}')
    for key in config:
        if key not in known:
            hint = did_you_mean(str(key), known)
            raise InputError(f'{where} has no {key!r}, only {", ".join(known)}{hint}')


def first_lines(lines: Sequence[str], limit: int = 5, indent: str = '  ') -> str:
    """The first ``limit`` lines, indented, and how many more there are."""
    shown = [f'{indent}{line}' for line in lines[:limit]]
    if len(lines) > limit:
        shown.append(f'{indent}... and {len(lines) - limit} more')
    return '\n'.join(shown)
