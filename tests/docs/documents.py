"""The documents of the repository as text, with their headings and links."""

import json
import re
from pathlib import Path

from tests.pipeline_runs import ROOT

DOCS = ROOT / 'docs'
_FOLDERS = ('.github', 'benchmarks', 'configs', 'docker', 'docs', 'tools')
_FENCE = re.compile(r'^(```+).*?^\1', re.DOTALL | re.MULTILINE)
_LINK = re.compile(r'\]\(<?([^)\s>]+)|\b(?:href|src)="([^"]+)"|^\[[^\]]+\]: (\S+)', re.MULTILINE)


def documents() -> list[Path]:
    """Every Markdown file that is a document of the repository."""
    below = (path for folder in _FOLDERS for path in (ROOT / folder).rglob('*.md'))
    return sorted([*ROOT.glob('*.md'), *below])


def pages() -> list[Path]:
    """Every page of the site: Markdown and notebooks."""
    return sorted([*DOCS.rglob('*.md'), *DOCS.rglob('*.ipynb')])


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def markdown(path: Path) -> str:
    """The Markdown of a document, that of all cells of a notebook, without code."""
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.ipynb':
        cells = [cell for cell in json.loads(text)['cells'] if cell['cell_type'] == 'markdown']
        text = '\n\n'.join(''.join(cell['source']) for cell in cells)
    return _FENCE.sub('', text)


def links(text: str) -> list[str]:
    """The targets of links and pictures, those in code left out."""
    found = _LINK.findall(re.sub(r'`[^`\n]+`', '', text))
    return [target for groups in found for target in groups if target]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a text."""
    found: list[str] = []
    for heading in re.findall(r'^#+ +(.+?)\s*$', text, re.MULTILINE):
        words = re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', heading).lower()
        slug = re.sub(r'[^\w\- ]', '', words).replace(' ', '-')
        count = sum(
            re.fullmatch(rf'{re.escape(slug)}(-\d+)?', other) is not None for other in found
        )
        found.append(f'{slug}-{count}' if count else slug)
    return {*found, *re.findall(r'\b(?:id|name)="([^"]+)"', text)}
