"""The reference of the API has an entry for everything that a config or a script may name."""

import re
import sys
from collections import Counter
from functools import reduce
from importlib import import_module
from typing import Any

from mmengine.registry import Registry

import mmdrs.apis
from tests.docs.documents import DOCS

_ENTRY = re.compile(r'^\.\. auto(?:class|function|exception|data):: (\S+)$', re.MULTILINE)


def entries() -> list[str]:
    """The names in the reference."""
    return [entry for page in DOCS.glob('api/*.md') for entry in _ENTRY.findall(page.read_text())]


def find(entry: str) -> Any:
    """What an entry names."""
    parts = entry.split('.')
    for length in range(len(parts) - 1, 0, -1):
        try:
            module = import_module('.'.join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[length:], module)
    raise ModuleNotFoundError(entry)


def registered() -> dict[str, Any]:
    """The classes and functions of this package in the registries that its modules use."""
    modules = [module for name, module in sys.modules.items() if name.startswith('mmdrs.')]
    values = [value for module in modules for value in vars(module).values()]
    registries = [value for value in values if isinstance(value, Registry)]
    found = {key: item for each in registries for key, item in each.module_dict.items()}
    return {key: item for key, item in found.items() if item.__module__.startswith('mmdrs.')}


def test_every_registered_class_has_an_entry() -> None:
    documented = [find(entry) for entry in entries()]
    known = registered()
    assert len(known) > 40
    assert [key for key, item in known.items() if item not in documented] == []


def test_every_name_of_the_apis_has_an_entry() -> None:
    assert {f'mmdrs.apis.{name}' for name in mmdrs.apis.__all__} <= {*entries()}


def test_nothing_has_two_entries() -> None:
    assert [entry for entry, count in Counter(entries()).items() if count > 1] == []
    documented = [find(entry) for entry in entries()]
    assert len({id(item) for item in documented}) == len(documented)


def test_every_entry_has_a_docstring() -> None:
    for entry in entries():
        item = find(entry)
        assert not callable(item) or (item.__doc__ or '').strip(), entry
