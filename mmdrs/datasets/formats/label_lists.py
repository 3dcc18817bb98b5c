"""Lists of images with their image-level labels: text, CSV, or a folder per class."""

import csv
import difflib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdrs.errors import InputError, MissingFileError

_LABELS = 'labels'

_Row = tuple[str, list[str]]  # where it is, for messages, and its cells or words


@dataclass(frozen=True)
class ImageLabels:
    """The image-level labels of one image.

    Attributes:
        id: As written in the list, or the file name without suffix.
        labels: Sorted 0-based foreground classes, so 0 is the first class after background.
        path: Relative to the image folder; only known for class folders.
    """

    id: str
    labels: tuple[int, ...]
    path: str = ''


def read_label_list(path: str | os.PathLike, classes: Sequence[str]) -> list[ImageLabels]:
    """Read image ids and image-level labels from a ``.txt`` or ``.csv`` file.

    - ``.txt``: ``2007_000032 0 14``, an id and 0-based foreground classes or class names.
    - ``.csv``: a header, ids in the first column; then either one column ``labels`` (separated by
      ``;``, ``|`` or spaces) or one column of 0 and 1 for every class.

    Blank lines and lines that start with ``#`` are skipped. A label that is a class name is that
    class, otherwise it is read as an index. Some images may have no label, but not all of them.

    Args:
        path: The list.
        classes: Foreground class names, without background.

    Returns:
        One record per image, in the order of the file.

    Raises:
        MissingFileError: If there is no such file.
        InputError: For another suffix, an unknown class, a repeated id, or a list without images
            or without any label; the message names the file, the line and the wrong text.
    """
    header, rows = _read_rows(Path(path))
    if header is not None and (header != [_LABELS] or _LABELS in classes):
        labels = _labels_of_columns(path, header, rows, classes)
    else:
        labels = []
        for where, cells in rows:
            tokens = cells[1:] if header is None else _split_cell(cells[1], classes)
            labels.append([_parse_label(token, classes, where) for token in tokens])
    images = _records(path, rows, labels)
    if not any(image.labels for image in images):
        raise InputError(
            f'{path}: no line has a label, this looks like a plain list of ids. Write the classes '
            f"of each image after its id, e.g. '{images[0].id} 0' or "
            f"'{images[0].id} {classes[0]}'"
        )
    return images


def read_id_list(path: str | os.PathLike) -> list[ImageLabels]:
    """Read a list as :func:`read_label_list`, but ignore what follows the ids.

    Returns:
        One record per image with empty ``labels``, in the order of the file.

    Raises:
        MissingFileError: If there is no such file.
        InputError: For another suffix, a repeated id, or a list without images.
    """
    _, rows = _read_rows(Path(path))
    return _records(path, rows, [[]] * len(rows))


def read_class_folders(
    root: str | os.PathLike, classes: Sequence[str], suffixes: Sequence[str] = ('.jpg',)
) -> list[ImageLabels]:
    """Read image-level labels from a folder that holds one folder of images per class.

    An image that is in several class folders, under the same name, has all these labels.

    Args:
        root: The folder of the class folders.
        classes: Foreground class names, without background; each needs its folder.
        suffixes: Endings of image files, in any case.

    Returns:
        One record per image, sorted by id; ``path`` is that of its first class folder.

    Raises:
        MissingFileError: If the folder or a class folder is missing.
        InputError: For a folder that is no class, different images under one name, or no image.
    """
    root = Path(root)
    _check_class_folders(root, classes)
    endings = tuple(suffix.lower() for suffix in suffixes)
    found: dict[str, tuple[Path, list[int]]] = {}
    for label, name in enumerate(classes):
        files = (file for file in (root / name).iterdir() if file.name.lower().endswith(endings))
        for file in sorted(files):
            first, labels = found.setdefault(file.stem, (file, []))
            # Numbered files ('cat/001.jpg', 'dog/001.jpg') would merge two images into one.
            if first.name != file.name or first.stat().st_size != file.stat().st_size:
                raise InputError(
                    f'{first} and {file} have one name but are different images; rename one of '
                    'them (an image of several classes is the same file in several folders)'
                )
            labels.append(label)
    if not found:
        raise InputError(f'{root}: no image ending in {_names(suffixes)} in its class folders')
    return [
        ImageLabels(name, tuple(labels), file.relative_to(root).as_posix())
        for name, (file, labels) in sorted(found.items())
    ]


def _check_class_folders(root: Path, classes: Sequence[str]) -> None:
    if not root.is_dir():
        raise MissingFileError(f'{root}: no such folder; it must hold one folder per class')
    folders = {p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith('.')}
    for name in sorted(folders - set(classes)):
        raise InputError(f'{root / name}: {_unknown(name, classes)}')
    for name in classes:
        if name not in folders:
            raise MissingFileError(
                f"{root}: no folder for class '{name}'; make an empty one if it has no images"
            )


def _read_rows(path: Path) -> tuple[list[str] | None, list[_Row]]:
    """Read the rows, and the header of a CSV file without its first cell (else None)."""
    if not path.is_file():
        raise MissingFileError(f'{path}: no such list of images')
    suffix = path.suffix.lower()
    if suffix not in ('.txt', '.csv'):
        raise InputError(f"{path}: a list of images ends in .txt or .csv, not in '{suffix}'")
    try:
        lines = path.read_text(encoding='utf-8-sig').splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise InputError(f'{path}: not a text file in UTF-8 ({error.reason})') from error
    if suffix == '.txt':
        rows = [(number, line.split()) for number, line in enumerate(lines, 1)]
    else:
        reader = csv.reader(lines)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    rows = [(f'{path}, line {n}', row) for n, row in rows if any(row) and row[0][:1] != '#']
    if suffix == '.txt':
        return None, rows
    if not rows:
        raise InputError(f'{path}: empty; the first line must be a header such as id,labels')
    (_, header), *rows = rows
    for where, row in rows:
        if len(row) != len(header):
            raise InputError(f'{where}: {len(row)} cells where the header has {len(header)}')
    return header[1:], rows


def _labels_of_columns(
    path: str | os.PathLike, columns: list[str], rows: Sequence[_Row], classes: Sequence[str]
) -> list[list[int]]:
    """The labels of rows with one column of 0 and 1 for every class, in any order."""
    for name in columns:
        if name not in classes:
            raise InputError(f'{path}, header: {_unknown(name, classes)}')
        if columns.count(name) > 1:
            raise InputError(f"{path}, header: column '{name}' appears more than once")
    missing = [name for name in classes if name not in columns]
    if missing:
        raise InputError(
            f'{path}, header: no column for the classes {_names(missing)}; add these columns, or '
            f"use one column '{_LABELS}' after the id"
        )
    labels = []
    for where, (_, *cells) in rows:
        for name, cell in zip(columns, cells, strict=True):
            if cell not in ('0', '1'):
                raise InputError(
                    f"{where}: '{cell}' in the column of class '{name}'; write 0 or 1"
                )
        labels.append([classes.index(columns[i]) for i, cell in enumerate(cells) if cell == '1'])
    return labels


def _split_cell(cell: str, classes: Sequence[str]) -> list[str]:
    """Split a cell at ``;`` and ``|``, at spaces only without these: names may hold spaces."""
    if cell in classes:
        return [cell]
    parts = re.split(r'[;|]', cell) if re.search(r'[;|]', cell) else cell.split()
    return [part.strip() for part in parts if part.strip()]


def _parse_label(token: str, classes: Sequence[str], where: str) -> int:
    if token in classes:
        return classes.index(token)
    if not re.fullmatch(r'[+-]?\d{1,9}', token):
        raise InputError(f'{where}: {_unknown(token, classes)}')
    if not 0 <= int(token) < len(classes):
        raise InputError(
            f'{where}: class {token} is outside 0..{len(classes) - 1}; labels are 0-based '
            f'foreground classes (background is not counted): {_names(classes)}'
        )
    return int(token)


def _records(
    path: str | os.PathLike, rows: Sequence[_Row], labels: Iterable[Sequence[int]]
) -> list[ImageLabels]:
    images: dict[str, tuple[str, ImageLabels]] = {}
    for (where, (name, *_)), found in zip(rows, labels, strict=True):
        if not name:
            raise InputError(f'{where}: no image id in the first column')
        if name in images:
            line = images[name][0].rpartition(' ')[2]
            raise InputError(
                f"{where}: id '{name}' is on line {line} already; write each image once, with "
                'all its labels'
            )
        images[name] = where, ImageLabels(name, tuple(sorted(set(found))))
    if not images:
        raise InputError(f'{path}: empty, it lists no image')
    return [image for _, image in images.values()]


def _unknown(name: str, classes: Sequence[str]) -> str:
    lower = {known.lower(): known for known in classes}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1)
    hint = f" (did you mean '{lower[close[0]]}'?)" if close else ''
    return f"unknown class '{name}'{hint}; known classes: {_names(classes)}"


def _names(names: Sequence[str], limit: int = 30) -> str:
    shown = ', '.join(names[:limit])
    return shown if len(names) <= limit else f'{shown}, ... ({len(names)} in all)'
