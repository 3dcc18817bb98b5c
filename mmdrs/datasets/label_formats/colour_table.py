"""Tables of the colours of classes: ``name,r,g,b`` and CVAT's ``labelmap.txt``."""

import os
import re

from mmdrs.datasets.label_formats.labelled import is_background
from mmdrs.errors import InputError
from mmdrs.reading import read_text

Colour = tuple[int, int, int]
_COLOUR = r'(\d{1,3})[,;\s]+(\d{1,3})[,;\s]+(\d{1,3})'
_NAME_FIRST = re.compile(rf'(.+?)\s*[,;:\s]\s*{_COLOUR}\s*(?:[:,;].*)?')
_COLOUR_FIRST = re.compile(rf'{_COLOUR}[,;:\s]+(.*\D.*)')
#: The colour of void in VOC's masks, and of borders in CVAT's.
VOID: Colour = (224, 224, 192)


def read_colour_table(path: str | os.PathLike[str]) -> dict[Colour, str]:
    """Read the colours of classes.

    A line is ``name,r,g,b`` (comma, semicolon, colon or blanks; a name may have blanks),
    ``r g b name``, or of CVAT: ``name:r,g,b:parts:actions``. Lines that start with ``#`` and a
    header without numbers are skipped.

    Returns:
        Names by colour (red, green, blue) in 0..255, in the order of the file; the background is
        the name ''.

    Raises:
        MissingFileError: If there is no such file.
        InputError: For a line of another kind, a colour above 255, or one that is there twice.
    """
    table: dict[Colour, str] = {}
    for number, line in enumerate(read_text(path, 'table of colours').splitlines(), 1):
        text, where = line.strip(), f'{path}, line {number}'
        if not text or text.startswith('#') or (not table and not re.search(r'\d', text)):
            continue
        if match := _COLOUR_FIRST.fullmatch(text):
            *values, name = match.groups()
        elif match := _NAME_FIRST.fullmatch(text):
            name, *values = match.groups()
        else:
            raise InputError(f'{where}: {text!r:.80} is not name,r,g,b')
        red, green, blue = (int(value) for value in values)
        colour = (red, green, blue)
        if max(colour) > 255:
            raise InputError(f'{where}: colours are 0..255, got {max(colour)}')
        if colour in table:
            raise InputError(f'{where}: the colour {colour} is there already')
        name = name.strip().strip('"')
        table[colour] = '' if is_background(name) else name
    if not any(table.values()):
        raise InputError(f'{path}: names the colour of no class')
    return table
