"""Pages made of the templates beside the modules."""

from pathlib import Path

import jinja2

from mmdrs.engine import format_seconds


def render_page(template: Path, **content: object) -> str:
    """Fill in a template, which can include the files beside it.

    All text is escaped, an unknown name is an error.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(duration=format_seconds, number=number)
    return environment.get_template(template.name).render(content)


def number(value: float | None, digits: int = 1) -> str:
    """A number with as many decimals; '' for None and NaN."""
    return '' if value is None or value != value else f'{value:.{digits}f}'
