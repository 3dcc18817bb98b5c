"""Writing files so that one that exists is whole, and the one hash of values and files."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

_DIGITS = 16


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Hand out a temporary name beside ``path``, renamed to it when the block has ended well.

    Args:
        path: The file to write; its folder is made if it is not there.

    Yields:
        The temporary path, with the same suffix.

    Raises:
        OSError: What the block raised, with the name of ``path``; the temporary file is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}.tmp{path.suffix}')
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, f'cannot be written: {error.strerror}', str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def digest(value: Any) -> str:
    """Hash of plain values (dicts, lists, strings, numbers, None); the order of keys is none.

    Returns:
        16 hexadecimal digits. What JSON does not know counts as its ``str``.
    """
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def file_digest(path: str | Path) -> str:
    """Hash of a file's content, 16 hexadecimal digits.

    A process reads a file once, unless its size or time of change is another one.
    """
    found = os.stat(path)
    return _file_digest(str(path), found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=1 << 14)
def _file_digest(path: str, size: int, mtime_ns: int) -> str:
    found = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()[:_DIGITS]
