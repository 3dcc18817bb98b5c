"""What the page of the package in a registry shows, and the citation."""

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
import yaml
from markdown_it import MarkdownIt

from mmdrs.version import __version__
from tests.pipeline_runs import ROOT
from tests.project.setup_script import read_setup

NAMES, ARGUMENTS = read_setup()
URL = NAMES['PROJECT_URL']
PICTURES = (*NAMES['PICTURES'], '.ico')
FILES = f'{URL}/blob/v{__version__}'
RAW = f'https://raw.githubusercontent.com/{urlsplit(URL).path[1:]}/v{__version__}'


class Links(HTMLParser):
    """Targets of links and pictures."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.links, self.pictures = [], []
        self.feed(MarkdownIt('commonmark').enable('table').render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [found['href']] if 'href' in found else []
        self.pictures += [found['src']] if 'src' in found else []


def test_readme_in_a_registry_has_no_relative_link() -> None:
    before = Links((ROOT / 'README.md').read_text(encoding='utf-8'))
    after = Links(ARGUMENTS['long_description'])
    assert any('://' not in link for link in before.links) and before.pictures
    for old, new in zip(before.links, after.links, strict=True):
        assert new == old or new.startswith((f'{FILES}/', f'{RAW}/')), new
        assert urlsplit(new).scheme in ('https', 'http', 'mailto'), new
    for old, new in zip(before.pictures, after.pictures, strict=True):
        assert new == (old if '://' in old else f'{RAW}/{old.removeprefix("./")}')
    for link in (*after.links, *after.pictures):
        for base in (FILES, RAW):
            if link.startswith(base):
                assert (ROOT / urlsplit(link.removeprefix(f'{base}/')).path).exists(), link


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('see [a](docs/a.md)', f'see [a]({FILES}/docs/a.md)'),
        ('[a](./docs/a.md#part "title")', f'[a]({FILES}/docs/a.md#part "title")'),
        ('[a](#part)', f'[a]({FILES}/README.md#part)'),
        ('[`a`](LICENSE)', f'[`a`]({FILES}/LICENSE)'),
        ('![a](docs/a.PNG)', f'![a]({RAW}/docs/a.PNG)'),
        ('[![a](docs/a.svg)](docs)', f'[![a]({RAW}/docs/a.svg)]({FILES}/docs)'),
        ('[a]: docs/a.md', f'[a]: {FILES}/docs/a.md'),
        ('<img src="docs/a.jpg" width="9">', f'<img src="{RAW}/docs/a.jpg" width="9">'),
        ('<a href="docs/a.md">', f'<a href="{FILES}/docs/a.md">'),
        ('[a](https://x.org/a) [b](mailto:a@b.c)', '[a](https://x.org/a) [b](mailto:a@b.c)'),
        ('`x[0](a)` and [b](c)', f'`x[0](a)` and [b]({FILES}/c)'),
        ('```python\nx[0](a)\n```\n[b](c)', f'```python\nx[0](a)\n```\n[b]({FILES}/c)'),
    ],
)
def test_absolute_links(text: str, expected: str) -> None:
    assert NAMES['absolute_links'](text, __version__) == expected


def test_project_addresses() -> None:
    urls = ARGUMENTS['project_urls']
    assert list(urls) == ['Homepage', 'Documentation', 'Source', 'Changelog', 'Issues']
    assert all(url.startswith(URL) for url in urls.values())
    for url in urls.values():
        place = re.fullmatch(rf'{re.escape(URL)}/(?:blob|tree)/main/(.+)', url)
        assert place is None or (ROOT / place[1]).exists(), url


def test_the_address_of_the_project_is_the_same_everywhere() -> None:
    """Files that cannot read setup.py repeat it: another owner is another address."""
    owner = urlsplit(URL).path[1:]
    folders = ('.github', 'docker', 'docs')
    files = [path for folder in folders for path in (ROOT / folder).rglob('*') if path.is_file()]
    found = {}
    for path in (*files, *ROOT.glob('*.md'), ROOT / 'CITATION.cff'):
        if path.suffix.lower() not in PICTURES:
            text = path.read_text(encoding='utf-8')
            names = set(re.findall(r'github(?:usercontent)?\.com/([\w-]+/mmdrs)\b', text))
            found |= {path.relative_to(ROOT).as_posix(): names} if names else {}
    assert {'CITATION.cff', '.github/ISSUE_TEMPLATE/config.yml', 'docker/Dockerfile'} <= {*found}
    assert {name: names for name, names in found.items() if names != {owner}} == {}


def test_classifiers() -> None:
    classifiers = ARGUMENTS['classifiers']
    assert len(classifiers) == len(set(classifiers))
    # Beside a licence expression there may be none, says PEP 639.
    assert [name for name in classifiers if name.startswith('License')] == []
    assert ('Typing :: Typed' in classifiers) == (ROOT / 'mmdrs' / 'py.typed').is_file()
    assert 'py.typed' in ARGUMENTS['package_data']['']
    minors = [name.rpartition('.')[2] for name in classifiers if re.search(r':: 3\.\d+$', name)]
    lowest, above = re.fullmatch(r'>=3\.(\d+),<3\.(\d+)', ARGUMENTS['python_requires']).groups()
    assert [*map(int, minors)] == [*range(int(lowest), int(above))]


def test_every_extra_is_a_file_of_requirements() -> None:
    mim = {'mim': 'mminstall'}
    for extra, items in ARGUMENTS['extras_require'].items():
        assert items and (ROOT / 'requirements' / f'{mim.get(extra, extra)}.txt').is_file(), extra


def test_citation() -> None:
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text(encoding='utf-8'))
    assert citation['version'] == __version__
    assert citation['license'] == ARGUMENTS['license_expression']
    assert citation['repository-code'] == URL
    needed = {'cff-version', 'message', 'title', 'authors'}
    assert needed <= citation.keys()
