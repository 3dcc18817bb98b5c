"""COCO JSON: images, annotations and categories, as COCO, CVAT, Roboflow and many others write."""

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES, without_suffix
from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    NamedLabels,
    ReadOptions,
    Source,
    from_names,
)
from mmdrs.datasets.label_formats.text_search import holds_all
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError, MissingFileError

_HINT = 'expected instances_*.json of COCO 2014 or 2017'
_KEYS = ('images', 'annotations', 'categories')
#: Files that are looked into: a folder of other JSON may hold thousands.
_MOST = 20
_HELD_OUT = re.compile(r'val|test')


def read_coco(
    paths: Sequence[str | Path], min_area: float = 0, skip_crowd: bool = False
) -> LabelledImages:
    """Read which classes are in which images.

    Args:
        paths: Instances annotations, all with the same categories.
        min_area: Leave out annotations of a smaller area, in pixels.
        skip_crowd: Leave out annotations of crowds, which count as presence otherwise.

    Returns:
        One record per image, in the order of the files; its id is the file name. The classes are
        all categories, in the order of their ids.

    Raises:
        MissingFileError: If there is no such file.
        InputError: If a file is no whole JSON file or no instances annotation, names an unknown
            image or category, or has an image or other categories than another file; names both.
    """
    found: dict[str, ImageLabels] = {}
    names: list[str] = []
    for path in paths:
        own_names, images = _image_labels(_load(Path(path)), path, min_area, skip_crowd)
        if names and own_names != names:
            raise InputError(f'{path}: has other categories than {paths[0]}')
        names = own_names
        for image in images:
            stem = without_suffix(image.id, IMAGE_SUFFIXES)
            if stem in found:
                raise InputError(f'{path}: image {stem!r} is there already; name it once')
            found[stem] = image
    return LabelledImages(tuple(found.values()), tuple(names))


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    names = _coco_files(source, _MOST)
    return f'{names[0]} has "images", "annotations" and "categories"' if names else ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read all files of a source; an image without annotation has no label.

    File names are relative to the folder of their file. Categories that only group others, as
    Roboflow writes them, and 'background' are no classes. Files whose name or folder says ``val``
    or ``test`` hold images for validation.
    """
    rows, known, held_out = [], [], set()
    for name in _coco_files(source):
        path, folder = source.full(name), posixpath.dirname(name)
        content = _load(path)
        classes, images = _image_labels(content, path, min_area=0, skip_crowd=False)
        groups = _groups(content)
        known += [item for item in classes if item not in {*known, *groups}]
        for image in images:
            joined = posixpath.normpath(posixpath.join(folder, image.id))
            rows.append(NamedLabels(joined, [classes[i] for i in image.labels], str(path)))
            if _HELD_OUT.search(name.lower()) and 'train' not in name.lower():
                held_out.add(joined)
    return replace(from_names(rows, options.classes, known), held_out=frozenset(held_out))


def _coco_files(source: Source, most: int | None = None) -> list[str]:
    quoted = [f'"{key}"'.encode() for key in _KEYS]
    names = source.ending('.json')[:most]
    return [name for name in names if holds_all(source.full(name), *quoted)]


def _groups(content: Mapping[str, Any]) -> set[str]:
    """The categories that are the ``supercategory`` of others and that nothing is annotated as."""
    used = {annotation['category_id'] for annotation in content['annotations']}
    entries = content['categories']
    pairs = [(entry.get('supercategory'), entry['name']) for entry in entries]
    parents = [parent for parent, name in pairs if parent != name]
    return {e['name'] for e in entries if e['name'] in parents and e['id'] not in used}


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingFileError(f'{path}: no such file; {_HINT}')
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # of JSON, of its encoding, or of its depth
        raise InputError(
            f'{path}: not a JSON file, or cut off ({error}); download it again, {_HINT}'
        ) from error
    for key in _KEYS:
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise InputError(f'{path}: holds no list {key!r}; {_HINT}')
    return content


def _image_labels(
    content: Mapping[str, Any], path: str | Path, min_area: float, skip_crowd: bool
) -> tuple[list[str], list[ImageLabels]]:
    """The class names of one file, in the order of their ids, and the labels of its images."""
    names = dict(sorted(_by_id(content, 'categories', 'name', path).items()))
    file_names = _by_id(content, 'images', 'file_name', path)
    order = {category: index for index, category in enumerate(names)}
    labels: dict[int, set[int]] = {image: set() for image in file_names}
    for index, annotation in enumerate(content['annotations']):
        where = f'{path}, annotation {_get(annotation, "id", f"{path}, annotation no. {index}")}'
        image, category = (_get(annotation, key, where) for key in ('image_id', 'category_id'))
        for key, value, known in (('image', image, labels), ('category', category, order)):
            if not isinstance(value, int) or value not in known:
                raise InputError(f'{where}: unknown {key} {value!r}')
        area = _get(annotation, 'area', where) if min_area > 0 else 0
        if not isinstance(area, int | float):
            raise InputError(f'{where}: area {area!r}; {_HINT}')
        if area >= min_area and not (skip_crowd and annotation.get('iscrowd')):
            labels[image].add(order[category])
    images = [
        ImageLabels(name.replace('\\', '/'), tuple(sorted(labels[image])))  # of Windows
        for image, name in file_names.items()
    ]
    return list(names.values()), images


def _by_id(content: Mapping[str, Any], key: str, value: str, path: str | Path) -> dict[int, str]:
    found: dict[int, str] = {}
    for index, entry in enumerate(content[key]):
        where = f'{path}, {key} no. {index}'
        number, text = _get(entry, 'id', where), _get(entry, value, where)
        if not isinstance(number, int) or not isinstance(text, str) or not text:
            raise InputError(f'{where}: id {number!r} with {value} {text!r}; {_HINT}')
        if number in found:
            raise InputError(f'{where}: id {number} is there already')
        found[number] = text
    return found


def _get(entry: Any, key: str, where: str) -> Any:
    if not isinstance(entry, dict) or key not in entry:
        raise InputError(f'{where}: has no {key!r}; {_HINT}')
    return entry[key]
