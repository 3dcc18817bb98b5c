"""Lists of images with their image-level labels: text or CSV."""

import csv
import difflib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mmdrs.errors import InputError, MissingFileError, first_lines

#: Titles of a column that holds all labels of an image.
_LABELS = ('labels', 'label', 'tags', 'tag', 'classes', 'class')

_Row = tuple[str, list[str]]  # where it is, for messages, and its cells or words


class ListTable(NamedTuple):
    """The lines of a list.

    Attributes:
        header: Of a CSV file without its first cell; None of a text list.
        rows: For each line where it is, for messages, and its cells or words; the first is the id.
    """

    header: list[str] | None
    rows: list[_Row]


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


def read_label_list(path: str | os.PathLike[str], classes: Sequence[str]) -> list[ImageLabels]:
    """Read image ids and image-level labels from a ``.txt`` or ``.csv`` file.

    - ``.txt``: ``2007_000032 0 14``, an id and 0-based foreground classes or class names; or for
      all images a 0 or 1 for every class, as the lists of NUS-WIDE and ChestX-ray14.
    - ``.csv``: a header, ids in the first column; then either one column ``labels`` (or ``label``,
      ``tags``, ``classes``; separated by ``;``, ``|``, commas or spaces) or one column of 0 and 1
      for every class. Where the header has no comma, ``;`` or tabs separate the cells.

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
    header, rows = table = read_table(path)
    if header is None:
        labels = _labels_of_tokens([(where, cells[1:]) for where, cells in rows], classes)
    elif has_label_column(table) and header[0] not in classes:
        cells = [(where, split_cell(cell, classes)) for where, (_, cell) in rows]
        labels = _labels_of_tokens(cells, classes)
    else:
        labels = _labels_of_columns(path, header, rows, classes)
    images = _records(path, rows, labels)
    if not any(image.labels for image in images):
        raise InputError(
            f'{path}: no line has a label, this looks like a plain list of ids. Write the classes '
            f"of each image after its id, e.g. '{images[0].id} 0' or "
            f"'{images[0].id} {classes[0]}'{_folder_hint(images, classes)}"
        )
    return images


def read_id_list(path: str | os.PathLike[str]) -> list[ImageLabels]:
    """Read a list as :func:`read_label_list`, but ignore what follows the ids.

    Returns:
        One record per image with empty ``labels``, in the order of the file.

    Raises:
        MissingFileError: If there is no such file.
        InputError: For another suffix, a repeated id, or a list without images.
    """
    rows = read_table(path).rows
    return _records(path, rows, [[]] * len(rows))


def has_label_column(table: ListTable) -> bool:
    """Whether one column holds all labels of an image."""
    header = table.header
    return header is not None and len(header) == 1 and header[0].lower() in _LABELS


def read_table(path: str | os.PathLike[str]) -> ListTable:
    """Read the lines of a list, whatever its classes are.

    Raises:
        MissingFileError: If there is no such file.
        InputError: For another suffix than .txt and .csv, or if it is no text or table.
    """
    path = Path(path)
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
        reader = csv.reader(lines, delimiter=_delimiter(lines))
        try:
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
        except csv.Error as error:
            raise InputError(f'{path}, line {reader.line_num}: no CSV ({error})') from error
    rows = [(f'{path}, line {n}', row) for n, row in rows if any(row) and row[0][:1] != '#']
    if suffix == '.txt':
        return ListTable(None, rows)
    if not rows:
        raise InputError(f'{path}: empty; the first line must be a header such as id,labels')
    (_, header), *rows = rows
    for where, row in rows:
        if len(row) != len(header):
            raise InputError(
                f'{where}: {len(row)} cells where the header has {len(header)}; separate the '
                "labels of an image by ';', or quote a cell with commas"
            )
    return ListTable(header[1:], rows)


def _delimiter(lines: Sequence[str]) -> str:
    """What separates the cells, by the header; programs of many countries write ``;``."""
    header = next((line for line in lines if line.strip() and line[:1] != '#'), '')
    return next((mark for mark in ',;\t' if mark in header), ',')


def _labels_of_tokens(rows: Sequence[_Row], classes: Sequence[str]) -> list[list[int]]:
    """The labels of rows of names or indices, or of a 0 or 1 for every class."""
    if _is_table(rows, classes):
        return [[i for i, token in enumerate(tokens) if token == '1'] for _, tokens in rows]
    return _of_each_row(lambda where, tokens: _named_labels(where, tokens, classes), rows)


def _named_labels(where: str, tokens: Sequence[str], classes: Sequence[str]) -> list[int]:
    numbers = [token for token in tokens if token.isdigit()]
    if len(set(numbers)) < len(numbers):
        raise InputError(
            f"{where}: a class is repeated in '{' '.join(tokens)}'; write each class of an "
            f'image once, or on every line a 0 or 1 for each of the {len(classes)} classes'
        )
    return [_parse_label(token, classes, where) for token in tokens]


def _of_each_row(
    read: Callable[[str, list[str]], list[int]], rows: Sequence[_Row]
) -> list[list[int]]:
    """``read`` of each row; an InputError has the first errors of all rows."""
    labels, errors = [], []
    for row in rows:
        try:
            labels.append(read(*row))
        except InputError as error:
            errors.append(str(error))
    if errors:
        more = f'{len(errors)} lines are wrong:\n{first_lines(errors)}'
        raise InputError(more if len(errors) > 1 else errors[0])
    return labels


def _is_table(rows: Sequence[_Row], classes: Sequence[str]) -> bool:
    """Whether all rows have a 0 or 1 for every class, and are no indices."""
    if not rows or {'0', '1'} & set(classes):
        return False
    if any(len(row) != len(classes) or set(row) - {'0', '1'} for _, row in rows):
        return False
    if len(classes) == 2 and all(list(row) == ['0', '1'] for _, row in rows):
        raise InputError(
            f"{rows[0][0]}: '0 1', as on every line: is that both classes, or only the second? "
            f'Write names: {named(classes)}'
        )
    return len(classes) > 1 or any(list(row) == ['1'] for _, row in rows)


def _labels_of_columns(
    path: str | os.PathLike[str], columns: list[str], rows: Sequence[_Row], classes: Sequence[str]
) -> list[list[int]]:
    """The labels of rows with one column of 0 and 1 for every class, in any order."""
    for name in columns:
        if name not in classes:
            raise InputError(f'{path}, header: {unknown_class(name, classes)}')
        if columns.count(name) > 1:
            raise InputError(f"{path}, header: column '{name}' appears more than once")
    missing = [name for name in classes if name not in columns]
    if missing:
        raise InputError(
            f'{path}, header: no column for the classes {named(missing)}; add these columns, or '
            f"use one column '{_LABELS[0]}' after the id"
        )
    return _of_each_row(
        lambda where, cells: _column_labels(where, cells[1:], columns, classes), rows
    )


def _column_labels(
    where: str, cells: Sequence[str], columns: Sequence[str], classes: Sequence[str]
) -> list[int]:
    for name, cell in zip(columns, cells, strict=True):
        if cell not in ('0', '1'):
            raise InputError(f"{where}: '{cell}' in the column of class '{name}'; write 0 or 1")
    return [classes.index(columns[i]) for i, cell in enumerate(cells) if cell == '1']


def split_cell(cell: str, classes: Sequence[str]) -> list[str]:
    """Split a cell at ``;``, ``|``, ``,``; at spaces only without these: names may hold spaces."""
    if cell in classes:
        return [cell]
    parts = re.split(r'[;|,]', cell) if re.search(r'[;|,]', cell) else cell.split()
    return [part.strip() for part in parts if part.strip()]


def _parse_label(token: str, classes: Sequence[str], where: str) -> int:
    if token in classes:
        return classes.index(token)
    if not re.fullmatch(r'[+-]?\d{1,9}', token):
        blank = '; image names with blanks need a .csv list' if Path(token).suffix else ''
        raise InputError(f'{where}: {unknown_class(token, classes)}{blank}')
    if not 0 <= int(token) < len(classes):
        raise InputError(
            f'{where}: class {token} is outside 0..{len(classes) - 1}; labels are 0-based '
            f'foreground classes (background is not counted): {named(classes)}'
        )
    return int(token)


def _records(
    path: str | os.PathLike[str], rows: Sequence[_Row], labels: Iterable[Sequence[int]]
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


def _folder_hint(images: Sequence[ImageLabels], classes: Sequence[str]) -> str:
    if any(Path(image.id).parent.name in classes for image in images):
        return '; if the folders of the images are their classes, use class_folders=True'
    return ''


def unknown_class(name: str, classes: Sequence[str]) -> str:
    """What to say of a name that is no class: the closest, and all there are."""
    lower = {known.lower(): known for known in classes}
    close = difflib.get_close_matches(name.lower(), list(lower), n=1)
    hint = f" (did you mean '{lower[close[0]]}'?)" if close else ''
    return f"unknown class '{name}'{hint}; known classes: {named(classes)}"


def named(names: Sequence[str], limit: int = 30) -> str:
    """Names in a message, the first of many."""
    shown = ', '.join(names[:limit])
    return shown if len(names) <= limit else f'{shown}, ... ({len(names)} in all)'
