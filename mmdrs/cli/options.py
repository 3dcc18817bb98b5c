"""``KEY=VALUE`` on the command line, in MMEngine's syntax, without its losses."""

import argparse
import re
from collections.abc import Sequence
from typing import Any

from mmengine.config import DictAction

_QUOTES = ('"', "'")
#: Whole numbers as Python writes them: ``007`` is a name.
_WHOLE = re.compile(r'[-+]?(0|[1-9]\d*)')


class OptionsAction(DictAction):
    """Splits ``KEY=VALUE`` at the first ``=`` into a dict, as MMEngine's ``DictAction``.

    A value is a number, ``true``, ``false``, ``None``, a list (``1,2`` or ``[1,2]``), a tuple
    (``(1,2)``), a dict (``{}``, ``{a: 1}``, ``dict(a=1)``) or text. Blanks within a text stay, and
    what is in quotes is text, whatever it looks like; MMEngine removes blanks, and quotes mean
    nothing.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add the values to those of the same option before."""
        options = dict(getattr(namespace, self.dest) or {})
        for item in values or ():
            key, separator, text = item.partition('=')
            if not separator:
                parser.error(f'{option_string}: {item!r} is not KEY=VALUE')
            try:
                options[key] = parse_value(text)
            except ValueError as error:
                parser.error(f'{option_string} {item}: {error}')
        setattr(namespace, self.dest, options)


def parse_value(text: str) -> Any:
    """The value that a text stands for.

    Raises:
        ValueError: If brackets do not match, or an item of a dict has no key.
    """
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES
    if quoted and text[0] not in text[1:-1]:
        if text[1] not in '([{':
            return text[1:-1]
        text = text[1:-1]  # a list as MMEngine's users quote it
    parts = _split(text)
    if len(parts) > 1:
        return [parse_value(part) for part in parts]
    if (text[:1], text[-1:]) in (('(', ')'), ('[', ']')):
        values = [parse_value(part) for part in _split(text[1:-1])]
        return tuple(values) if text[0] == '(' else values
    for start, end, sign in (('{', '}', ':'), ('dict(', ')', '=')):
        if text.startswith(start) and text.endswith(end):
            return _dict(text[len(start) : -1], sign)
    return _scalar(text)


def _dict(text: str, sign: str) -> dict[str, Any]:
    """``a: 1, 'b': x`` as a dict; ``sign`` is between keys and values."""
    found = {}
    for part in _split(text, f'([{{,{sign}'):
        key, separator, value = part.partition(sign)
        if not separator:
            raise ValueError(f'{part.strip()!r} in a dict is not KEY{sign}VALUE')
        found[key.strip().strip('"\'')] = parse_value(value)
    return found


def _split(text: str, before_quotes: str = '([{,') -> list[str]:
    """Split at the commas outside of brackets and quotes; a last empty part does not count.

    Quotes begin after one of ``before_quotes``, or after the sign of a dict; others are letters.
    """
    parts, depth, quote, before = [''], 0, '', ','
    for character in text:
        if quote:
            quote = '' if character == quote else quote
        elif character in _QUOTES and (before in before_quotes or (depth and before in ':=')):
            quote = character
        else:
            depth += (character in '([{') - (character in ')]}')
        if character == ',' and depth == 0 and not quote:
            parts.append('')
        else:
            parts[-1] += character
        before = before if character == ' ' else character
    if depth and len(parts) > 1:
        raise ValueError('its brackets do not match')
    return parts if parts[-1].strip() else parts[:-1]


def _scalar(text: str) -> Any:
    named = {'true': True, 'false': False}
    if text.lower() in named:
        return named[text.lower()]
    if text == 'None':
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if text.lstrip('+-').isdigit() or '_' in text:
        return text
    try:
        return float(text)
    except ValueError:
        return text
