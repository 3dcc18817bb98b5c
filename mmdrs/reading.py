"""Reading what a user gives: whatever is wrong with a file, the error names it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from mmdrs.errors import InputError, MissingFileError

_LONGEST_REASON = 200  # characters: a damaged file may quote itself


@contextmanager
def reading(path: str | os.PathLike[str], what: str, hint: str = '') -> Iterator[None]:
    """Name the file in whatever is raised while it is read.

    Decoders raise nearly anything for damaged data, so the block should hold little else. A
    folder, a pipe or a device is refused beforehand: reading it may never end.

    Args:
        path: The file.
        what: What it should be, such as ``image``, for messages.
        hint: What to do about a damaged file that we have written; the end of the message.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no regular file, or for any exception of the block that is none.
    """
    if not os.path.isfile(path):
        if os.path.exists(path):
            raise InputError(f'{os.fspath(path)!r} is a folder, a pipe or a device, no {what}')
        raise MissingFileError(f'there is no {what} {path}')
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        fault = f'{path} is not a readable {what} ({reason_of(error)})'
        if hint:
            fault = f'{path} is damaged or no {what} ({reason_of(error)}); {hint}'
        raise InputError(fault) from error


def reason_of(error: BaseException) -> str:
    """What an error of a library says, in one line that a console can show."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = ''.join(c if c.isprintable() else ascii(c)[1:-1] for c in lines[0])
    return text if len(text) <= _LONGEST_REASON else f'{text[:_LONGEST_REASON]}...'


def read_text(path: str | os.PathLike[str], what: str, hint: str = '') -> str:
    """Read a text file in UTF-8, with or without a byte order mark.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no text in UTF-8.
    """
    with reading(path, what, hint):
        return Path(path).read_text(encoding='utf-8-sig')


def read_json(path: str | os.PathLike[str], what: str, hint: str = '') -> Any:
    """Read a JSON file; NaN and Infinity, which JSON does not have, are refused.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no JSON.
    """
    text = read_text(path, what, hint)
    with reading(path, what, hint):
        return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} is no number of JSON')


def read_yaml(path: str | os.PathLike[str], what: str, hint: str = '') -> Any:
    """Read a YAML file of plain values, without references (``&`` and ``*``).

    Ten lines of references can stand for a thousand million values.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no YAML of plain values.
    """
    text = read_text(path, what, hint)
    with reading(path, what, hint):
        return yaml.load(text, _PlainLoader)


class _PlainLoader(yaml.SafeLoader):
    """PyYAML's loader of plain values, without references."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            name = self.peek_event().anchor
            raise ValueError(f'references such as *{name} are not allowed; write the value again')
        return super().compose_node(parent, index)
