"""Lists of images with their image-level labels: text, CSV, or a folder per class.

Pure Python, no MM import: converters and checks may use it without building a dataset.
"""

import csv
import difflib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdrs.errors import InputError, MissingFileError

_LABEL_COLUMN = 'labels'


@dataclass(frozen=True)
class ImageLabels:
    """The image-level labels of one image.

    Attributes:
        id: Image name without suffix, as written in the list.
        labels: Sorted 0-based foreground classes, so 0 is the first class after background.
        path: Path of the image relative to the image folder; only known for class folders.
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
    class, otherwise it is read as an index. An image may have no label, but not all of them.

    Args:
        path: The list.
        classes: Foreground class names, without background.

    Returns:
        One record per image, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For another suffix, an unknown class, a repeated id, or a list without images
            or without any label; the message names the file, the line and the wrong text.
    """
    path = Path(path)
    if _suffix(path) == '.csv':
        entries = _read_csv(path, classes)
    else:
        entries = (
            (line, tokens[0], [_parse_label(token, classes, path, line) for token in tokens[1:]])
            for line, tokens in _text_lines(path)
        )
    images = _collect(path, entries)
    if not any(image.labels for image in images):
        raise InputError(
            f'{path}: no line has a label, this looks like a plain list of ids. Write the classes '
            f"of each image after its id, e.g. '{images[0].id} 0' or "
            f"'{images[0].id} {classes[0]}'"
        )
    return images


def read_id_list(path: str | os.PathLike) -> list[ImageLabels]:
    """Read image ids alone from a ``.txt`` or ``.csv`` file, whatever follows them on the line.

    Args:
        path: A list as for :func:`read_label_list`, or one with ids only.

    Returns:
        One record per image with empty ``labels``, in the order of the file.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: For another suffix, a repeated id, or a list without images.
    """
    path = Path(path)
    if _suffix(path) == '.csv':
        entries = ((line, row[0], []) for line, row in _csv_rows(path)[1])
    else:
        entries = ((line, tokens[0], []) for line, tokens in _text_lines(path))
    return _collect(path, entries)


def read_class_folders(
    root: str | os.PathLike, classes: Sequence[str], suffixes: Sequence[str] = ('.jpg',)
) -> list[ImageLabels]:
    """Read image-level labels from a folder that holds one folder of images per class.

    An image that lies in several class folders, under the same name, has all these labels.

    Args:
        root: The folder of the class folders.
        classes: Foreground class names, without background; each needs its folder.
        suffixes: Endings of image files; upper and lower case are the same.

    Returns:
        One record per image, sorted by id; ``path`` is that of its first class folder.

    Raises:
        FileNotFoundError: If the folder or a class folder is missing.
        ValueError: For a folder that is no class, different images under one name, or no image.
    """
    root = Path(root)
    _check_class_folders(root, classes)
    found: dict[str, tuple[Path, list[int]]] = {}
    for label, name in enumerate(classes):
        for file in sorted((root / name).iterdir()):
            if not file.name.lower().endswith(tuple(suffix.lower() for suffix in suffixes)):
                continue
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


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise MissingFileError(f'{path}: no such list of images')
    if suffix not in ('.txt', '.csv'):
        raise InputError(f"{path}: a list of images ends in .txt or .csv, not in '{suffix}'")
    return suffix


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise InputError(f'{path}: not a text file in UTF-8 ({error.reason})') from error


def _text_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, words) of the lines that are neither blank nor comments."""
    for number, line in enumerate(_text(path).splitlines(), 1):
        tokens = line.split()
        if tokens and not tokens[0].startswith('#'):
            yield number, tokens


def _csv_rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header and (line number, cells) of the rows that are neither blank nor comments.

    Raises:
        ValueError: If there is no header, or a row has another number of cells than the header.
    """
    reader = csv.reader(_text(path).splitlines(keepends=True))
    rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    rows = [(n, row) for n, row in rows if any(row) and not row[0].startswith('#')]
    if not rows:
        raise InputError(f'{path}: empty; the first line must be a header such as id,labels')
    (_, header), rows = rows[0], rows[1:]
    for line, row in rows:
        if len(row) != len(header):
            raise InputError(
                f'{path}, line {line}: {len(row)} cells where the header has {len(header)}'
            )
    return header, rows


def _read_csv(path: Path, classes: Sequence[str]) -> Iterator[tuple[int, str, list[int]]]:
    header, rows = _csv_rows(path)
    columns = header[1:]
    if columns == [_LABEL_COLUMN] and _LABEL_COLUMN not in classes:
        for line, row in rows:
            tokens = _split_cell(row[1], classes)
            yield line, row[0], [_parse_label(token, classes, path, line) for token in tokens]
        return
    _check_columns(path, columns, classes)
    order = [classes.index(name) for name in columns]
    for line, row in rows:
        for name, cell in zip(columns, row[1:], strict=True):
            if cell not in ('0', '1'):
                raise InputError(
                    f"{path}, line {line}: '{cell}' in the column of class '{name}'; write 0 or 1"
                )
        yield line, row[0], [c for c, cell in zip(order, row[1:], strict=True) if cell == '1']


def _check_columns(path: Path, columns: Sequence[str], classes: Sequence[str]) -> None:
    """Refuse a header that is not exactly the classes, in any order."""
    for name in columns:
        if name not in classes:
            raise InputError(f'{path}, header: {_unknown(name, classes)}')
        if columns.count(name) > 1:
            raise InputError(f"{path}, header: column '{name}' appears more than once")
    missing = [name for name in classes if name not in columns]
    if missing:
        raise InputError(
            f'{path}, header: no column for the classes {_names(missing)}; add these columns, or '
            f"use one column '{_LABEL_COLUMN}' after the id"
        )


def _split_cell(cell: str, classes: Sequence[str]) -> list[str]:
    """Split a cell of several labels; spaces part them only where they are not in a name."""
    if cell in classes:
        return [cell]
    parts = re.split(r'[;|]', cell) if re.search(r'[;|]', cell) else cell.split()
    return [part.strip() for part in parts if part.strip()]


def _parse_label(token: str, classes: Sequence[str], path: Path, line: int) -> int:
    """Return the 0-based foreground class that a name or an index stands for."""
    if token in classes:
        return classes.index(token)
    where = f'{path}, line {line}'
    if re.fullmatch(r'[+-]?\d+', token):
        if 0 <= int(token) < len(classes):
            return int(token)
        raise InputError(
            f'{where}: class {token} is outside 0..{len(classes) - 1}; labels are 0-based '
            f'foreground classes (background is not counted): {_names(classes)}'
        )
    raise InputError(f'{where}: {_unknown(token, classes)}')


def _collect(path: Path, entries: Iterator[tuple[int, str, list[int]]]) -> list[ImageLabels]:
    """Make records of (line number, id, labels); refuse empty and repeated ids and no ids."""
    images: list[ImageLabels] = []
    lines: dict[str, int] = {}
    for line, name, labels in entries:
        if not name:
            raise InputError(f'{path}, line {line}: no image id in the first column')
        if name in lines:
            raise InputError(
                f"{path}, line {line}: id '{name}' is on line {lines[name]} already; write each "
                'image once, with all its labels'
            )
        lines[name] = line
        images.append(ImageLabels(name, tuple(sorted(set(labels)))))
    if not images:
        raise InputError(f'{path}: empty, it lists no image')
    return images


def _unknown(name: str, classes: Sequence[str]) -> str:
    lower = {known.lower(): known for known in classes}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1)
    hint = f" (did you mean '{lower[close[0]]}'?)" if close else ''
    return f"unknown class '{name}'{hint}; known classes: {_names(classes)}"


def _names(names: Sequence[str], limit: int = 30) -> str:
    shown = ', '.join(names[:limit])
    return shown if len(names) <= limit else f'{shown}, ... ({len(names)} in all)'
