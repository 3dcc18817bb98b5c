"""Write files whole or not at all, and compute digests of files and values."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, renamed to it if the block succeeds.

    It has the same suffix. The folder is made if it does not exist.

    Raises:
        OSError: Of the block, with the name of ``path``; no temporary file remains.
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


def write_json(path: str | Path, content: Any) -> None:
    """Write plain values as JSON, whole or not at all."""
    with written_whole(path) as temporary:
        text = json.dumps(content, indent=1, allow_nan=False, default=str)
        temporary.write_text(text + '\n', encoding='utf-8')


def digest(value: Any) -> str:
    """SHA-256 of plain values, in hexadecimal; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def file_digest(path: str | Path) -> str:
    """SHA-256 of a file's content, in hexadecimal; an unchanged file is read only once."""
    status = os.stat(path)
    return _file_digest(os.path.realpath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1 << 14)
def _file_digest(path: str, size: int, time: int) -> str:
    hasher = hashlib.sha256()
    with open(path, 'rb') as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    return hasher.hexdigest()
