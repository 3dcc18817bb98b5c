"""YOLO text files, one an image, with the number of a class first in each line."""

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES, without_suffix
from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    ReadOptions,
    Source,
    is_background,
)
from mmdrs.datasets.label_formats.layout import is_no_image
from mmdrs.datasets.label_lists import ImageLabels
from mmdrs.errors import InputError
from mmdrs.reading import read_text, read_yaml

#: Text files of the class names, one a line: of Ultralytics, LabelImg, Darknet and CVAT.
_NAMES = ('classes.txt', 'obj.names', '_darknet.labels', 'classes.names')
_CONFIGS = ('data.yaml', 'data.yml', 'dataset.yaml')


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not."""
    name = _names_file(source)
    if not name or not source.path.is_dir():
        return ''
    files = set(source.files)
    found = any(_label_file(image, files) for image in source.images)
    return f'{name}, and text files of labels' if found else ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read the labels of all images; one without text file, or with an empty one, has none.

    The text file of ``train/images/a.jpg`` is ``train/labels/a.txt`` or beside the image. Images
    are those of the folder, and the classes those of ``data.yaml`` or ``classes.txt``.

    Raises:
        InputError: If a file is damaged, or a line does not begin with the number of a class.
    """
    name = _names_file(source)
    if not name:
        raise InputError(f'{source.path}: holds no data.yaml and no classes.txt with the names')
    names = _class_names(source.full(name))
    kept = [i for i, label in enumerate(names) if not is_background(label)]
    classes = options.classes or tuple(names[i] for i in kept)
    if len(classes) < len(kept):
        raise InputError(f'{source.full(name)}: names {len(kept)} classes, --classes fewer')
    new = {old: number for number, old in enumerate(kept)}
    if set(classes) == {names[i] for i in kept}:
        new = {old: classes.index(names[old]) for old in kept}
    files, images = set(source.files), []
    for image in source.images:
        if is_no_image(image):
            continue
        text = _label_file(image, files)
        found = _numbers(source.full(text), len(names), name) if text else set()
        labels = sorted({new[number] for number in found if number in new})
        images.append(ImageLabels(image, tuple(labels)))
    return LabelledImages(tuple(images), tuple(classes))


def _names_file(source: Source) -> str:
    """The file of the class names, that of the highest folder."""
    names = [name for name in source.files if posixpath.basename(name) in (*_CONFIGS, *_NAMES)]
    return min(
        names, key=lambda name: (name.count('/'), not name.endswith(('yaml', 'yml'))), default=''
    )


def _label_file(image: str, files: set[str]) -> str:
    """The text file of an image: in ``labels`` beside ``images``, or beside it; '' without one."""
    own = f'{without_suffix(image, IMAGE_SUFFIXES)}.txt'
    head, found, tail = f'/{own}'.rpartition('/images/')
    other = f'{head}/labels/{tail}'[1:] if found else own
    return next((name for name in (other, own) if name in files), '')


def _class_names(path: Path) -> Sequence[str]:
    if path.name not in _CONFIGS:
        lines = read_text(path, 'list of classes').splitlines()
        return [line.strip() for line in lines if line.strip()]
    content = read_yaml(path, 'YOLO data file')
    names: Any = content.get('names') if isinstance(content, dict) else None
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise InputError(f'{path}: `names` must list the classes, or number them from 0')
    return [str(name) for name in names]


def _numbers(path: Path, count: int, names: str) -> set[int]:
    """The classes of the lines of a text file."""
    found = set()
    for number, line in enumerate(read_text(path, 'YOLO label file').splitlines(), 1):
        first = line.split()[:1]
        if not first:
            continue
        if not re.fullmatch(r'\d{1,6}', first[0]) or int(first[0]) >= count:
            raise InputError(
                f'{path}, line {number}: begins with {first[0]!r:.40}, not with the number of a '
                f'class of {names}, 0..{count - 1}'
            )
        found.add(int(first[0]))
    return found
