"""LabelMe: one JSON file an image, with shapes, and flags that are labels of the whole image."""

import os.path
import posixpath
from typing import Any

from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    NamedLabels,
    ReadOptions,
    Source,
    from_names,
)
from mmdrs.datasets.label_formats.text_search import holds_all
from mmdrs.errors import InputError
from mmdrs.reading import read_json, read_text

#: File of the classes, which LabelMe's own converters ask for.
_CLASSES = 'labels.txt'


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    names = [n for n in source.ending('.json')[:20] if _is_labelme(source, n)]
    return f'{names[0]} has "shapes" and "imagePath"' if names else ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the labels of the shapes, and the flags of the image that are true.

    A file without any is an image without label. Other JSON files are left out. The classes are
    those of ``labels.txt`` where it is there, else the names that were found, sorted.

    Raises:
        InputError: If a file is damaged, or an entry is not as LabelMe writes it.
    """
    rows = []
    for name in source.ending('.json'):
        if not _is_labelme(source, name):
            continue
        path = source.full(name)
        content = read_json(path, 'LabelMe file')
        shapes = _get(content, 'shapes', list, path)
        names = [
            _get(shape, 'label', str, f'{path}, shape {number}')
            for number, shape in enumerate(shapes)
        ]
        flags = content.get('flags') or {}
        if not isinstance(flags, dict):
            raise InputError(f'{path}: flags must be an object of names with true or false')
        names += [flag for flag, value in flags.items() if value is True]
        image = _get(content, 'imagePath', str, path).replace('\\', '/')
        rows.append(NamedLabels(_image_id(name, image), names, str(path)))
    listed = source.full(_CLASSES)
    known = _class_list(read_text(listed, 'list of classes')) if listed.is_file() else ()
    found = {label for row in rows for label in row.names}
    return from_names(rows, options.classes, known if found <= {*known} else ())


def _is_labelme(source: Source, name: str) -> bool:
    return holds_all(source.full(name), b'"shapes"', b'"imagePath"')


def _class_list(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _image_id(json_name: str, image: str) -> str:
    """The image relative to the folder of the source; without its folders where it is outside."""
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(json_name), image))
    outside = joined.startswith(('..', '/')) or os.path.splitdrive(image)[0] or ':' in image
    return posixpath.basename(image) if outside else joined


def _get(entry: Any, key: str, kind: type, where: object) -> Any:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, kind) or value == '':
        raise InputError(f'{where}: no {key!r} as LabelMe writes it')
    return value
