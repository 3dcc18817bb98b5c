"""What CONTRIBUTING.md, SECURITY.md and the entry for MMSegmentation's projects name is there."""

import re
import shlex

import pytest

import mmdrs_command
from tests.pipeline_runs import ROOT

ENTRY = '.github/mmseg-project-entry.md'
NAMES = ('CONTRIBUTING.md', 'SECURITY.md', ENTRY)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding='utf-8')


def shell_lines(text: str) -> list[str]:
    """Lines of blocks of shell code, without prompts and comments; continued ones joined."""
    blocks = re.findall(r'^ *```shell\n(.*?)^ *```', text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace('\\\n', ' ').splitlines()]
    return [line.strip() for line in lines if line.strip()]


@pytest.mark.parametrize('name', NAMES)
def test_commands_exist(name: str) -> None:
    makefile = read('Makefile')
    for line in shell_lines(read(name)):
        words = shlex.split(line, comments=True)
        for word in words:
            if re.match(r'(tools|configs|tests|requirements|\.ci)/', word):
                assert (ROOT / word).exists(), line
        if words[0] == 'make' or words[0].startswith('MMDRS_FUZZ='):
            target = words[words.index('make') + 1]
            assert f'\n{target}:' in makefile, line
        for before, word in zip(words, words[1:], strict=False):
            if before.endswith('bin/mmdrs') or before == 'mmdrs' == words[0]:
                assert word in mmdrs_command.COMMANDS, line


@pytest.mark.parametrize('name', NAMES)
def test_files_in_the_text_exist(name: str) -> None:
    text = re.sub(r'```.*?```', '', read(name), flags=re.DOTALL)
    links = [link for link in re.findall(r'\]\(([^)]+)\)', text) if '://' not in link]
    places = re.findall(r'github\.com/mmdrs/mmdrs/blob/main/([\w./-]+)', text)
    code = [
        item.rstrip('/')
        for item in re.findall(r'`([\w./-]+)`', text)
        if re.match(r'(tests|mmdrs|docs|requirements|\.github|tools)/', item)
    ]
    for path in (*links, *places, *code):
        assert (ROOT / path.split('#')[0]).exists(), path


def test_scores_of_the_entry_are_measured() -> None:
    """Each row of its table is a row of docs/results.md, in the section of its data."""
    rows = re.findall(
        r'^\| (.+?) \| .*? \| .*? \| ([\d.]+ ± [\d.]+) \|', read(ENTRY), re.MULTILINE
    )
    assert len(rows) == len(re.findall(r'\d ± \d', read(ENTRY))) == 5
    text = read('docs/results.md')
    for data, score in rows:
        title = re.escape(data[0].upper() + data[1:])
        (section,) = re.findall(rf'^## {title}\n(.*?)(?=^## |\Z)', text, re.MULTILINE | re.DOTALL)
        assert re.search(rf'\|[^|\n]*(?<![\d.]){score}(?![\d.])', section), (data, score)


def test_entry_has_the_sections_of_the_example_project() -> None:
    found = re.findall(r'^##+ (.*)', read(ENTRY), re.MULTILINE)
    sections = ['Description', 'Usage', 'Citation', 'Checklist']
    assert [title for title in found if title in sections] == sections
    for title in ('Prerequisites', 'Training commands', 'Testing commands'):
        assert title in found
    assert [read(ENTRY).count(f'Milestone {number}:') for number in (1, 2, 3)] == [1, 1, 1]
