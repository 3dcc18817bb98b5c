"""A look into files whose whole content would take long to read."""

import mmap
import os

from mmdrs.reading import reading


def holds_all(path: str | os.PathLike[str], *texts: bytes) -> bool:
    """Whether a file holds all of these texts; it is searched, not loaded."""
    with reading(path, 'file'), open(path, 'rb') as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(text) >= 0 for text in texts)
