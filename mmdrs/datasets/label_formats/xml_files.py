"""XML as plain data: no document types, and so no entities, which may expand without end."""

import os
from typing import Any
from xml.etree import ElementTree

from mmdrs.reading import reading


class _PlainBuilder(ElementTree.TreeBuilder):
    """Builds the tree, and stops at a DOCTYPE before anything that it defines is read."""

    def doctype(self, *_: Any) -> None:
        raise ValueError('a DOCTYPE is not allowed; remove the line')


def read_xml(path: str | os.PathLike[str], what: str) -> ElementTree.Element:
    """Read an XML file.

    Args:
        path: The file.
        what: What it should be, for messages.

    Returns:
        The root element.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no XML, or has a DOCTYPE.
    """
    with reading(path, what):
        return ElementTree.parse(path, ElementTree.XMLParser(target=_PlainBuilder())).getroot()


def starts_with_tag(path: str | os.PathLike[str], tag: str) -> bool:
    """Whether the root of an XML file has this name, judged by its first 4 kB."""
    with reading(path, 'XML file'), open(path, 'rb') as file:
        head = file.read(4096)
    start = head.find(f'<{tag}'.encode())
    return start >= 0 and head[start + len(tag) + 1 : start + len(tag) + 2] in (b'>', b' ', b'\n')
