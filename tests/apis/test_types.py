"""The names of ``mmdrs.apis`` are typed completely: an editor knows what they take and return.

``make types`` checks that the types are right.
"""

import ast
import collections
import collections.abc
import inspect
import os
import textwrap
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

import mmdrs
from mmdrs import apis
from mmdrs.registry import BACKGROUND_CUES, MAP_REFINEMENTS

#: Without what is in them these say little.
GENERIC = {
    *(dict, list, tuple, set, frozenset, type, os.PathLike, collections.Counter),
    *(getattr(collections.abc, name) for name in collections.abc.__all__),
} - {collections.abc.Sized, collections.abc.Hashable}


class Checker:
    """Collects what is not typed in functions and classes, and in those of ours that they show."""

    def __init__(self) -> None:
        self.seen: set[Any] = set()
        self.missing: list[str] = []

    def check(self, item: Any) -> None:
        if item in self.seen or not item.__module__.startswith(('mmdrs', 'tests')):
            return
        self.seen.add(item)
        if not inspect.isclass(item):
            self._check_function(item, item.__qualname__)
            return
        hints = typing.get_type_hints(item, include_extras=True)
        for name in item.__dict__.get('__annotations__', {}):
            self._check_annotation(hints[name], f'{item.__qualname__}.{name}')
        for name, member in vars(item).items():
            for function in _functions(member):
                # Those of a dataclass or a named tuple follow from their fields.
                if function.__module__ == item.__module__ and _is_shown(name, function):
                    self._check_function(function, f'{item.__qualname__}.{name}')

    def _check_function(self, function: Callable, name: str) -> None:
        hints = typing.get_type_hints(function)
        parameters = [
            p for p in inspect.signature(function).parameters if p not in ('self', 'cls')
        ]
        for part in (*parameters, 'return'):
            if part in hints:
                self._check_annotation(hints[part], f'{name}: {part}')
            else:
                self.missing.append(f'{name}: {part} has no type')
        if name.endswith('.__init__'):
            attributes = _untyped_attributes(function)
            self.missing.extend(
                f'{name}: self.{attribute} has no type' for attribute in attributes
            )

    def _check_annotation(self, annotation: Any, where: str) -> None:
        if annotation in GENERIC:
            self.missing.append(f'{where}: {annotation} of what?')
            return
        if typing.get_origin(annotation) is Literal:
            return
        for part in typing.get_args(annotation):
            for each in part if isinstance(part, list) else [part]:
                self._check_annotation(each, where)
        if inspect.isclass(annotation) and typing.get_origin(annotation) is None:
            self.check(annotation)


def _functions(member: Any) -> list[Callable]:
    """The function of a method, a class method, or a property."""
    found = getattr(member, 'fget', None) or getattr(member, 'func', None)
    found = found or getattr(member, '__func__', member)
    return [found] if inspect.isfunction(found) else []


def _is_shown(name: str, function: Callable) -> bool:
    return (
        name in ('__init__', '__call__')
        and '<string>' not in function.__code__.co_filename
        or (not name.startswith('_'))
    )


def _untyped_attributes(function: Callable) -> Iterator[str]:
    """Public attributes whose type neither the constructor nor a parameter of it gives."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    parameters = {*inspect.signature(function).parameters}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Attribute):
            continue
        target, value = node.targets[0], node.value
        given = isinstance(value, ast.Name) and value.id in parameters
        if not given and not target.attr.startswith('_'):
            yield target.attr


def missing(*items: Any) -> list[str]:
    checker = Checker()
    for item in items:
        checker.check(item)
    return checker.missing


def test_public_names_are_typed() -> None:
    items = [getattr(apis, name) for name in apis.__all__]
    assert len(items) >= 24
    checker = Checker()
    for item in items:
        checker.check(item)
    # A config names these; the rules show their abstract classes only.
    for kinds in (BACKGROUND_CUES, MAP_REFINEMENTS):
        for kind in kinds.module_dict.values():
            checker.check(kind)
    assert checker.missing == []
    names = {item.__name__ for item in checker.seen}
    assert {'LabelRules', 'Cue', 'BackgroundCue', 'Prediction', 'Segmentor', 'Progress'} <= names


def test_type_checkers_are_told() -> None:
    assert (Path(mmdrs.__file__).parent / 'py.typed').is_file()


def untyped(first, second: int = 0): ...


def bare(first: dict, second: list[dict[str, list]]) -> 'dict[str, int] | None': ...


class Untyped:
    def __init__(self, given: int) -> None:
        self.given = given
        self.own = [given]
        self.typed: list[int] = [given]
        self._hidden = given

    def method(self, given) -> None: ...

    @property
    def size(self): ...

    @classmethod
    def of(cls, given): ...


@dataclass
class Fields:
    counts: dict
    size: tuple[int, int]


def shows(given: Fields | None) -> Callable[[Untyped], int]: ...


@pytest.mark.parametrize(
    ('item', 'expected'),
    [
        (untyped, ['first has no type', 'return has no type']),
        (bare, ["first: <class 'dict'> of what?", "second: <class 'list'> of what?"]),
        (
            Untyped,
            [
                *('__init__: self.own has no type', 'method: given has no type'),
                *('size: return has no type', 'of: given has no type', 'of: return has no type'),
            ],
        ),
        (Fields, ["Fields.counts: <class 'dict'> of what?"]),
    ],
)
def test_what_has_no_type_is_found(item: Any, expected: list[str]) -> None:
    found = missing(item)
    assert len(found) == len(expected)
    assert all(one.endswith(end) for one, end in zip(found, expected, strict=True)), found


def test_classes_that_are_shown_are_looked_at() -> None:
    assert len(missing(shows)) == 1 + 5
