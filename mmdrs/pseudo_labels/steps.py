"""Reads the steps of label making that a config names by their type."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar, cast

from mmdrs.errors import InputError, check_keys

Step = TypeVar('Step')


def build_step(kind: type[Step], where: str, config: Mapping[str, Any]) -> Step:
    """Build a step from ``dict(type=NAME, ...)``.

    Args:
        kind: A dataclass, whose name is the one type there is.
        where: The config's key, for errors.
        config: ``type``, which may be left out, and values of the dataclass.

    Raises:
        InputError: If it is no dict, the type is another one, or a key is unknown.
    """
    names = [field.name for field in fields(cast(Any, kind))]
    check_keys(where, config, ('type', *names))
    values = dict(config)
    given = values.pop('type', kind.__name__)
    if given != kind.__name__:
        raise InputError(f"{where}: type must be '{kind.__name__}', got {given!r}")
    return kind(**values)
