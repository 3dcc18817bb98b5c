"""Text lists and CSV tables whose classes are not known beforehand."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mmdrs.datasets.image_ids import IMAGE_SUFFIXES, without_suffix
from mmdrs.datasets.label_formats.labelled import (
    LabelledImages,
    ReadOptions,
    Source,
    numbered_names,
)
from mmdrs.datasets.label_lists import (
    ListTable,
    has_label_column,
    read_label_list,
    read_table,
    split_cell,
)
from mmdrs.errors import InputError

_SEPARATORS = re.compile(r'[;|,]')
#: Lists of a folder that are looked into.
_MOST = 20


def fits(source: Source) -> str:
    """Why a source is of this format; '' where it is not.

    A list of a folder must name one of its images.
    """
    names = _lists(source)
    return f'{", ".join(names)} {"lists" if len(names) == 1 else "list"} images' if names else ''


def read(source: Source, options: ReadOptions) -> LabelledImages:
    """Read lists as :func:`~mmdrs.datasets.read_label_list`, with the classes that they name.

    Lists of a folder are read together; images of those whose name says ``val`` or ``test`` are
    for validation.

    Raises:
        InputError: If the classes cannot be told, or an image is in several lists.
    """
    paths = [source.full(name) for name in _lists(source)]
    if not paths:
        raise InputError(f'{source.path}: holds no .txt or .csv list of images that are beside it')
    classes, are_named = options.classes, True
    if not classes:
        classes, are_named = _classes([read_table(path) for path in paths], paths)
    images, held_out = {}, set()
    for path in paths:
        for image in read_label_list(path, classes):
            if image.id in images:
                raise InputError(
                    f'{path}: image {image.id!r} is in another list as well; give one list'
                )
            images[image.id] = replace(image, id=image.id.replace('\\', '/'))
            if len(paths) > 1 and re.search('val|test', path.name.lower()):
                held_out.add(images[image.id].id)
    return LabelledImages(tuple(images.values()), tuple(classes), are_named, frozenset(held_out))


def _lists(source: Source) -> list[str]:
    names = source.ending('.txt', '.csv')
    if not source.path.is_dir():
        return list(names)
    if not source.images:
        return []
    stems = {Path(without_suffix(name, IMAGE_SUFFIXES)).name for name in source.images}
    return [name for name in names[:_MOST] if _names_an_image(source.full(name), stems)]


def _names_an_image(path: Path, stems: set[str]) -> bool:
    """Whether the lines of a file begin with images and go on with labels."""
    try:
        rows = read_table(path).rows
    except InputError:
        return False
    first = [cells for _, cells in rows[:20]]
    ids = [without_suffix(cells[0].replace('\\', '/'), IMAGE_SUFFIXES) for cells in first]
    return any(Path(i).name in stems for i in ids) and any(len(cells) > 1 for cells in first)


def _classes(tables: Sequence[ListTable], paths: Sequence[Path]) -> tuple[tuple[str, ...], bool]:
    """The classes of lists, and whether they are named there."""
    columns = [table.header for table in tables if table.header and not has_label_column(table)]
    if columns and len(columns) == len(tables):
        return tuple(columns[0]), True
    if columns:
        raise InputError(f'{paths[0]}: one list has a column of labels, another has none')
    rows = [(table, cells[1:]) for table in tables for _, cells in table.rows]
    if all(table.header is None for table in tables):
        tokens = [list(cells) for _, cells in rows]
    else:
        tokens = _split_cells([cells[0] for _, cells in rows])
    words = {token for row in tokens for token in row}
    if not words:
        raise InputError(f'{paths[0]}: no line has a label after the id')
    if not all(word.isdigit() for word in words):
        if any(without_suffix(word, IMAGE_SUFFIXES) != word for word in words):
            raise InputError(
                f'{paths[0]}: has names of images after the id; names with blanks need a .csv '
                'list, with a header such as id,labels'
            )
        if any(word.isdigit() for word in words):
            raise InputError(
                f'{paths[0]}: has names and numbers as labels; name the classes in the order of '
                'the numbers: --classes A B ...'
            )
        return tuple(sorted(words)), True
    return numbered_names(_count(tokens)), False


def _split_cells(cells: Sequence[str]) -> list[list[str]]:
    """Split cells of labels; a blank is part of a name unless its words are labels themselves."""
    alone = {part.strip() for cell in cells for part in _SEPARATORS.split(cell)}
    rows = []
    for cell in cells:
        words = cell.split()
        if len(words) > 1 and set(words) <= alone or all(word.isdigit() for word in words):
            rows.append(words)
        else:
            rows.append(split_cell(cell, [cell] if not _SEPARATORS.search(cell) else []))
    return [[token for token in row if token] for row in rows]


def _count(rows: Sequence[Sequence[str]]) -> int:
    """Number of classes of indices, or of rows with a 0 or 1 for every class."""
    lengths, values = {len(row) for row in rows}, {token for row in rows for token in row}
    rising = all(list(row) == sorted(set(row)) for row in rows)
    if len(lengths) == 1 and max(lengths) > 1 and values <= {'0', '1'} and not rising:
        return max(lengths)
    highest = max(int(token) for token in values)
    if highest > 10_000:
        raise InputError(f'label {highest}: labels are numbers of classes, from 0')
    return highest + 1
