"""HTML from Python: whatever is not HTML already is escaped."""

from html import escape

#: Elements without an end.
_VOID = ('img', 'input', 'link', 'meta')


class Html(str):
    """Text that is HTML and goes into the page as it is."""


def tag(name: str, *children: object, **attributes: object) -> Html:
    """An element.

    Args:
        name: Its name.
        *children: What stands in it: :class:`Html`, anything whose ``str`` is text, lists and
            tuples of such, and None for nothing.
        **attributes: Their names with ``_`` for ``-``; ``class_`` is ``class``. None leaves one
            out, True gives one without a value.
    """
    words = [name]
    for key, value in attributes.items():
        key = key.rstrip('_').replace('_', '-')
        if value is True:
            words.append(key)
        elif value is not None and value is not False:
            words.append(f'{key}="{escape(str(value))}"')
    start = f'<{" ".join(words)}>'
    return Html(start if name in _VOID else f'{start}{join(children)}</{name}>')


def join(children: object) -> Html:
    """The HTML of an element's children, see :func:`tag`."""
    if children is None:
        return Html('')
    if isinstance(children, Html):
        return children
    if isinstance(children, list | tuple):
        return Html(''.join(join(child) for child in children))
    return Html(escape(str(children)))
