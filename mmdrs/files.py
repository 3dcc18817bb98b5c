"""Writing files so that one that exists is whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
