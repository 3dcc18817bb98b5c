"""Folders in which the pipeline keeps earlier generations of its stages."""

import re

_GENERATION = re.compile(r'.+\.[0-9a-f]{8}')


def is_generation(folder: str) -> bool:
    """Whether a folder's name is that of an earlier generation: ``<stage>.<8 hex digits>``."""
    return bool(_GENERATION.fullmatch(folder))
