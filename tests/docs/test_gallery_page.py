"""docs/gallery.md: its pictures are those of the commands below them."""

import re
import shlex
from types import ModuleType

import pytest
from PIL import Image

from mmdrs.visualization.contact_sheet import GAP, HEADER
from tests.pipeline_runs import ROOT, load_tool

PAGE = ROOT / 'docs' / 'gallery.md'
TOOL = 'python tools/visualization/gallery.py '


@pytest.fixture(scope='module')
def tool() -> ModuleType:
    return load_tool('visualization/gallery')


def commands() -> list[str]:
    text = PAGE.read_text(encoding='utf-8').replace('\\\n', '')
    return [line.removeprefix(TOOL) for line in text.splitlines() if line.startswith(TOOL)]


def test_pictures_and_their_commands(tool: ModuleType, tmp_path) -> None:
    """Each picture has a command, the rows of its images, and less than 150 kB."""
    shown = re.findall(r'^!\[.+\]\((.+)\)$', PAGE.read_text(encoding='utf-8'), re.MULTILINE)
    made = []
    for command in commands():
        args = tool.parse_args(shlex.split(command))
        if not args.out.is_relative_to('docs'):
            continue  # of the reader's own photographs
        made.append(args.out.relative_to('docs').as_posix())
        assert len(tool.load_photographs(args.images, tmp_path)) == len(args.images)
        assert args.labels is None or args.labels.count(';') == len(args.images) - 1
        file = ROOT / args.out
        assert file.stat().st_size < 150_000
        with Image.open(file) as picture:
            rows = HEADER + len(args.images) * (args.height + GAP)
            assert rows < picture.height < rows + 4 * HEADER + args.height // 2  # and the legend
    assert made == shown and len(made) > 3


def test_each_picture_explains_its_rows() -> None:
    """Below the command of a picture, one sentence or more on each of its images."""
    for part in PAGE.read_text(encoding='utf-8').split('\n## ')[1:]:
        if '![' in part:
            images = part.count('skimage:')
            assert len(re.findall(r'^- \*\*', part, re.MULTILINE)) == images, part[:40]
