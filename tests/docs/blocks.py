"""The blocks of code of the documents."""

import re
from typing import NamedTuple

from tests.pipeline_runs import ROOT

_BLOCK = re.compile(r'^```(\w+)\n(.*?)^```', re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A block of code: its document, the line at which it begins, its language, its text."""

    document: str
    line: int
    language: str
    text: str


def blocks_of(document: str) -> list[Block]:
    """The blocks of a document whose language is named, in order."""
    text = (ROOT / document).read_text(encoding='utf-8')
    return [
        Block(document, text.count('\n', 0, found.start()) + 2, found[1], found[2])
        for found in _BLOCK.finditer(text)
    ]
