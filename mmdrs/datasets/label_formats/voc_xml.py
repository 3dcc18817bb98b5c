"""Pascal VOC XML: one file an image, with objects; LabelImg and Roboflow write it as well."""

import os
from pathlib import PurePosixPath
from typing import NamedTuple

from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    NamedLabels,
    ReadOptions,
    Source,
    from_names,
)
from mmdrs.datasets.label_formats.xml_files import read_xml, starts_with_tag

#: Folders of VOC's layout that hold the annotations; their images are in another folder.
_FOLDERS = ('Annotations', 'annotations')


class VOCObject(NamedTuple):
    """An object: the name of its class, and whether it is marked as difficult."""

    name: str
    difficult: bool


def read_voc_objects(path: str | os.PathLike[str]) -> list[VOCObject]:
    """The objects of an annotation of one image.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If it is no XML.
    """
    return [
        VOCObject(
            (item.findtext('name') or '').strip(),
            (item.findtext('difficult') or '').strip() == '1',
        )
        for item in read_xml(path, 'annotation').findall('object')
    ]


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    names = source.ending('.xml')
    if names and starts_with_tag(source.full(names[0]), 'annotation'):
        return f'{len(names)} XML files with <annotation>'
    return ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the classes of the objects; an image without objects has no label.

    The id of an image is the name of its XML file, which is the name of the image in this format;
    the tags in the file often name where it was drawn.
    """
    rows = []
    for name in source.ending('.xml'):
        path = PurePosixPath(name)
        parts = path.parts[1:] if path.parts[0] in _FOLDERS else path.parts
        full = source.full(name)
        names = [item.name for item in read_voc_objects(full) if item.name]
        rows.append(NamedLabels(str(PurePosixPath(*parts).with_suffix('')), names, str(full)))
    return from_names(rows, options.classes)
