"""Write files whole or not at all, and compute digests of files and values."""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

_TEMPORARY = re.compile(r'\..+\.\d+\.tmp(\..+)?')


@contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
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


def remove_temporary(folder: str | Path, recursive: bool = True) -> None:
    """Remove what writers that were killed have left; nobody else may be writing there."""
    for path in Path(folder).glob('**/.*.tmp*' if recursive else '.*.tmp*'):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def write_json(path: str | Path, content: Any) -> None:
    """Write plain values as JSON, whole or not at all, also if the machine loses its power."""
    text = json.dumps(content, indent=1, allow_nan=False, default=str) + '\n'
    with written_whole(path) as temporary, temporary.open('w', encoding='utf-8') as file:
        file.write(text)
        file.flush()
        # Else the new name could reach the disk before the content.
        os.fsync(file.fileno())


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
