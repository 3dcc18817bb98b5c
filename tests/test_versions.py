"""The page of versions says what is installed, and names tests that there are."""

import re

import pytest
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.pipeline_runs import ROOT
from tests.test_packaging import PYTHONS, pins, read_requirements

PAGE = (ROOT / 'docs' / 'versions.md').read_text(encoding='utf-8')


def table(first: str) -> list[list[str]]:
    """The cells of the table whose first heading is ``first``, headings included."""
    (found,) = re.findall(rf'^\| {re.escape(first)} \|.*\n\|[-|]+\|\n(?:\|.*\n)+', PAGE, re.M)
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in found.splitlines()]
    return [rows[0], *rows[2:]]


def test_every_version_is_the_pinned_one() -> None:
    head, *rows = table('package')
    pythons = [name.removeprefix('Python ') for name in head[2:]]
    assert pythons == list(PYTHONS)
    for python, *column in zip(pythons, *(row[2:] for row in rows), strict=True):
        known = pins(python)
        for (name, *_), version in zip(rows, column, strict=True):
            assert known[canonicalize_name(name.partition(',')[0])] == version, (name, python)


def test_what_both_sets_ask_for_is_listed() -> None:
    _, *rows = table('package')
    listed = {row[0]: row[1].split()[0].strip('`') for row in rows}
    for dependency_set in ('onedl', 'openmmlab'):
        wanted = {item.name for item in read_requirements(f'{dependency_set}.txt')}
        wanted -= {'ftfy', 'regex'}  # mmsegmentation's own, which it forgets to ask for
        assert wanted == {name for name, given in listed.items() if given == dependency_set} - {
            'onnx, optional',
            'onnxruntime, optional',
        }


@pytest.mark.parametrize('python', ['3.9', '3.13'])
def test_other_pythons_are_refused(python: str) -> None:
    code = (ROOT / 'setup.py').read_text(encoding='utf-8')
    accepted = SpecifierSet(re.search(r"python_requires='(.*?)'", code)[1])
    assert python not in accepted and all(known in accepted for known in PYTHONS)
    assert 'needs Python 3.10, 3.11 or 3.12' in ' '.join(PAGE.split())


def test_every_upstream_issue_of_the_code_is_named() -> None:
    code = (ROOT / 'mmdrs' / 'compat.py').read_text(encoding='utf-8')
    issues = set(re.findall(r'https://github.com/open-mmlab/\S+/(?:issues|pull)/\d+', code))
    assert len(issues) >= 3 and [url for url in issues if f']({url})' not in PAGE] == []
    # The bridges are numbered; each has a row, but the one that only quietens an import.
    bridges = re.findall(r'^# --- \d+\. (.+?) -+$', code, re.M)
    assert len(bridges) == 5
    named = [row for row in table('versions')[1:] if 'nothing:' in row[2]]
    # Two libraries break the names of configs, and have a row each.
    assert len(named) == len(bridges)


@pytest.mark.parametrize('system', ['on Windows', 'on macOS'])
def test_every_note_names_its_test(system: str) -> None:
    head, *rows = table(system)
    code = '\n'.join(file.read_text('utf-8') for file in (ROOT / 'tests').rglob('test_*.py'))
    assert head[-1] == 'test' and len(rows) >= 5
    for row in rows:
        names = re.findall(r'`(test_\w+)`', row[-1])
        assert names or row[-1] == 'not tried', row
        assert [name for name in names if f'def {name}(' not in code] == []
    makefile = (ROOT / 'Makefile').read_text(encoding='utf-8')
    assert [
        name for name in re.findall(r'`make ([\w-]+)`', PAGE) if f'\n{name}:' not in makefile
    ] == []
