"""The pages of the documentation: navigation, links, lengths."""

import re
import runpy
from pathlib import Path

import pytest

from tests.docs.documents import DOCS, anchors, documents, links, markdown, name, pages
from tests.pipeline_runs import ROOT

#: Lines of a page: three screens.
LONGEST = 180
#: Pages to look things up in, which may be longer.
REFERENCE = ('CHANGELOG.md', 'docs/parity.md', 'docs/results.md', 'docs/settings.md')


def toctree(page: Path) -> list[Path]:
    """The pages in the toctrees of a page, in order."""
    found = []
    for block in re.findall(r'^```\{toctree\}\n(.*?)^```', page.read_text(), re.DOTALL | re.M):
        for entry in (line for line in block.splitlines() if line and not line.startswith(':')):
            named = [path for path in pages() if path.with_suffix('').match(str(DOCS / entry))]
            if page.parent != DOCS:
                named = [page.parent / f'{entry}.md']
            assert named and all(path.is_file() for path in named), f'{name(page)}: {entry}'
            found += named
    return found


def test_every_page_is_in_the_navigation_once() -> None:
    listed = [*toctree(DOCS / 'index.md'), *toctree(DOCS / 'api' / 'index.md')]
    assert sorted([DOCS / 'index.md', *listed]) == pages()


@pytest.mark.parametrize('document', sorted({*documents(), *pages()}), ids=name)
def test_relative_links_lead_to_files_and_headings(document: Path) -> None:
    broken = []
    for link in links(markdown(document)):
        if re.match(r'[a-z]+:', link):
            continue
        file, _, anchor = link.partition('#')
        target = (document.parent / file) if file else document
        known = anchors(markdown(target)) if anchor and target.suffix == '.md' else {anchor}
        if not target.exists() or anchor not in known or ROOT not in target.resolve().parents:
            broken.append(link)
    assert broken == []


def test_anchors_are_those_of_github() -> None:
    text = '# One `two`: three\n## A [link](b.md), 3 x 3\n## Twice\n### Twice\n'
    assert anchors(text) == {'one-two-three', 'a-link-3-x-3', 'twice', 'twice-1'}


def test_links_in_code_are_none() -> None:
    text = 'A [b](c.md#d) ![e](f.png)\n`[g](h)`\n<img src="i.png">\n\n[j]: k.md\n'
    assert links(text) == ['c.md#d', 'f.png', 'i.png', 'k.md']


def test_pages_are_short() -> None:
    counts = {name(path): len(path.read_text().splitlines()) for path in documents()}
    assert {path: count for path, count in counts.items() if count > LONGEST}.keys() <= {
        *REFERENCE
    }
    assert {*REFERENCE} <= counts.keys()


def test_links_out_of_the_documentation_lead_to_the_repository() -> None:
    conf = runpy.run_path(str(DOCS / 'conf.py'))
    base = conf['REPOSITORY']
    text = [
        '[a](../setup.py) [b](../configs) [c](api/index.md) ![d](../p.png) [e](../README.md#x)'
    ]
    conf['link_to_repository'](None, 'index', text)
    assert text == [
        f'[a]({base}/blob/main/setup.py) [b]({base}/tree/main/configs) [c](api/index.md) '
        f'![d](../p.png) [e]({base}/blob/main/README.md#x)'
    ]
    text = ['[a](../settings.md) [b](../../mmdrs/apis)']
    conf['link_to_repository'](None, 'api/index', text)
    assert text == [f'[a](../settings.md) [b]({base}/tree/main/mmdrs/apis)']


def test_the_repository_has_one_address() -> None:
    stated = re.findall(r"^PROJECT_URL = '(.+)'", (ROOT / 'setup.py').read_text(), re.MULTILINE)
    assert {*stated} <= {runpy.run_path(str(DOCS / 'conf.py'))['REPOSITORY']}


def test_ci_builds_the_site_and_takes_no_warning() -> None:
    assert '\nmake docs DEPS=onedl\n' in (ROOT / '.ci' / 'run').read_text()
    makefile = (ROOT / 'Makefile').read_text()
    assert re.search(r'^SPHINX := .* -W --keep-going -n', makefile, re.MULTILINE)
    assert re.search(r'^docs: .*\n\t\$\(SPHINX\) -b html docs build/docs$', makefile, re.MULTILINE)
