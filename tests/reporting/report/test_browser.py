"""The report in a headless Chromium: it loads, filters, sorts, fits, and asks for nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmdrs.reporting.report import write_report
from tests.reporting.report.browser import CHROMEDRIVER, CHROMIUM, Browser, chromium

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and CHROMEDRIVER), reason='no chromium and chromedriver on this machine'
)
CARDS = """
    return Array.from(document.querySelectorAll('#cards > .card'))
        .filter(card => !card.hidden)
        .map(card => [card.dataset.name, card.dataset.classes, parseFloat(card.dataset.score)]);
"""
CHOOSE = """
    const box = document.getElementById(arguments[0]);
    box.value = arguments[1];
    box.dispatchEvent(new Event('change'));
"""


@pytest.fixture(scope='module')
def browser(tmp_path_factory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp('browser')) as running:
        yield running


@pytest.fixture(scope='module')
def url(finished: Path, tmp_path_factory) -> str:
    page = write_report(finished, tmp_path_factory.mktemp('page') / 'report.html', images=6)
    return page.as_uri()


@pytest.fixture
def page(browser: Browser, url: str) -> Browser:
    browser.emulate(1280)
    browser.console(), browser.requests()  # of the tests before
    browser.open(url)
    return browser


def test_filters_by_class(page: Browser) -> None:
    everything = page.run(CARDS)
    assert len(everything) == 6
    page.run(CHOOSE, 'by-class', '2')
    shown = page.run(CARDS)
    expected = [card for card in everything if '2' in card[1].split()]
    assert shown == expected and 0 < len(shown) < 6
    text = page.run("return document.getElementById('shown').textContent")
    assert text == f'{len(shown)} of 6 shown'
    page.run(CHOOSE, 'by-class', '')
    assert len(page.run(CARDS)) == 6


def test_sorts(page: Browser) -> None:
    worst = page.run(CARDS)
    assert worst == sorted(worst, key=lambda card: card[2])
    page.run(CHOOSE, 'order', 'best')
    assert [card[2] for card in page.run(CARDS)] == sorted((c[2] for c in worst), reverse=True)
    page.run(CHOOSE, 'order', 'name')
    assert [card[0] for card in page.run(CARDS)] == [f'img_{n}' for n in range(6)]


def test_asks_for_nothing_and_says_nothing(page: Browser, url: str) -> None:
    assert page.console() == []
    assert page.requests() == [url]
    broken = 'return Array.from(document.images).filter(i => !i.naturalWidth).length'
    assert page.run(broken) == 0


def test_names_run_nothing(browser: Browser, finished: Path, tmp_path: Path) -> None:
    """The page of somebody else's work directory: its names are text, whatever they hold."""
    work_dir = Path(shutil.copytree(finished, tmp_path / 'work'))
    path, trap = work_dir / 'pipeline.json', '<img src=x onerror=document.title=1>'
    described = path.read_text().replace('"disc"', f'"{trap}"')
    path.write_text(described.replace('maps with DRS', '</td><script>document.title=2</script>'))
    browser.open(write_report(work_dir, images=6).as_uri())
    assert browser.run('return document.title') == 'work: report of a pipeline run'
    assert trap in browser.run('return document.body.textContent')
    assert browser.run('return document.querySelectorAll("script").length') == 1


@pytest.mark.parametrize(('width', 'dark'), [(1280, False), (390, False), (390, True)])
def test_fits_the_window(page: Browser, url: str, width: int, dark: bool, tmp_path: Path) -> None:
    page.emulate(width, dark=dark)
    page.open(url)
    assert page.run('return document.documentElement.scrollWidth') <= width
    ground = page.run('return getComputedStyle(document.body).backgroundColor')
    assert ground == ('rgb(21, 24, 27)' if dark else 'rgb(255, 255, 255)')
    page.picture(tmp_path / 'page.png')
    assert (tmp_path / 'page.png').stat().st_size > 1000
