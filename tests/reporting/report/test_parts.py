"""Templates, pictures, charts and logs of the report."""

import base64
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import jinja2
import numpy as np
import pytest
from PIL import Image

from mmdrs.reporting.report.image_cards import label_uri, photo_uri
from mmdrs.reporting.report.line_charts import COLOURS, Chart
from mmdrs.reporting.report.training_log import merge_runs, read_training
from mmdrs.reporting.templates import render_page

SVG = '{http://www.w3.org/2000/svg}'


def test_text_is_escaped(tmp_path: Path) -> None:
    template = tmp_path / 'page.html.j2'
    template.write_text('<p title="{{ text }}">{{ text }} {{ value | number }}</p>')
    page = render_page(template, text='<b> & "x"', value=2.25)
    escaped = '&lt;b&gt; &amp; &#34;x&#34;'
    assert page == f'<p title="{escaped}">{escaped} 2.2</p>'
    assert '<b>' not in page and render_page(template, text='', value=None).endswith('> </p>')
    with pytest.raises(jinja2.UndefinedError, match='value'):
        render_page(template, text='')


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(',', 1)[1])))


def test_pictures_are_small_and_labels_exact() -> None:
    picture = decoded(photo_uri(np.zeros((400, 1000, 3), np.uint8)))
    assert picture.size == (208, 83) and picture.format == 'JPEG'
    label = np.zeros((300, 600), np.uint8)
    label[:, 300:] = 2
    label[:10] = 255
    shown = np.asarray(
        decoded(label_uri(label, [(0, 0, 0), (1, 1, 1), (200, 0, 0)])).convert('RGB')
    )
    assert {tuple(c) for c in shown.reshape(-1, 3)} == {(0, 0, 0), (200, 0, 0), (224, 224, 192)}


def curves(svg: ET.Element, number: int) -> list[str]:
    """The paths of the lines that have a colour of the page's style, without the legend's."""
    axes = svg.find(f'.//{SVG}g[@id="c-axes_1"]')
    groups = [group for group in axes if group.get('id').startswith('c-line2d')]
    paths = [path for group in groups for path in group.findall(f'{SVG}path')]
    return [path.get('d') for path in paths if f'var(--line-{number})' in path.get('style')]


def test_chart_in_the_page() -> None:
    x = np.arange(4.0)
    lines = {'a< $1$': np.array([0.0, 1.0, np.nan, 2.0]), 'b': x}
    chart = Chart('c', 'Title & "x"', x, lines, 'across', 'up', 'what it shows', [0, 2])
    drawn = chart.svg()
    assert drawn == chart.svg()  # the page is reproducible
    assert not re.search(r'20\d\d-\d\d|matplotlib.org', drawn)
    svg = ET.fromstring(drawn)
    texts = [''.join(item.itertext()).strip() for item in svg.iter(f'{SVG}text')]
    assert {'a< $1$', 'b', 'Title & "x"', 'across', 'up'} <= set(texts)
    # A value that is not finite interrupts the line.
    assert [path.count('M') for path in curves(svg, 0)] == [2]
    assert [path.count('M') for path in curves(svg, 2)] == [1]
    assert not any(colour in drawn for colour in COLOURS)
    # Ids are those of this chart, and what is referred to is there.
    ids = [item.get('id') for item in svg.iter() if item.get('id')]
    assert all(name.startswith('c-') for name in ids) and len(set(ids)) == len(ids)
    referred = re.findall(r'(?:url\(|href=")#([^")]+)', drawn)
    assert referred and set(referred) <= set(ids)


def test_long_lines_are_thinned() -> None:
    """To their ends: the last of 10001 points is the top right corner."""
    x = np.arange(10001.0)
    drawn = Chart('c', '', x, dict(a=x % 5), '', '', '').svg()
    (path,) = curves(ET.fromstring(drawn), 0)
    points = re.findall(r'[ML] ([0-9.]+) ([0-9.]+)', path)
    assert 100 < len(points) <= 501
    axes = re.search(r'id="c-patch_2".*?M ([0-9.]+) [0-9.]+ \s*L ([0-9.]+)', drawn, re.S)
    assert (points[0][0], points[-1][0]) == axes.groups()


def test_chart_as_a_file(tmp_path: Path) -> None:
    x = np.arange(3.0)
    for folder in ('first', 'second'):
        Chart('c', 'Title', x, dict(a=x), '', '', '', mark=1.0, top=5).write_png(tmp_path / folder)
    with Image.open(tmp_path / 'first' / 'c.png') as picture:
        assert picture.size == (968, 605)
        assert picture.getpixel((2, 2))[3] == 0  # on any ground
    first, second = (tmp_path / name / 'c.png' for name in ('first', 'second'))
    assert first.read_bytes() == second.read_bytes()
    Chart('one', '', x[:1], dict(a=x[:1] + 1), '', '', '').write_png(tmp_path)
    with Image.open(tmp_path / 'one.png') as picture:
        colours = {colour[:3] for _, colour in picture.getcolors(1 << 16)}
    assert tuple(bytes.fromhex(COLOURS[0][1:])) in colours  # a single point is seen


def test_resumed_training(tmp_path: Path) -> None:
    """The second run repeats iterations 3 and 4: its lines count."""
    old = [dict(iter=i, loss=10 - i, lr=0.1) for i in (1, 2, 3, 4)]
    new = [dict(iter=i, loss=i, lr=0.2) for i in (3, 4, 5)]
    assert [line['loss'] for line in merge_runs([old, new])] == [9, 8, 3, 4, 5]
    for time, lines in (('20260101_1', old), ('20260101_2', new)):
        folder = tmp_path / 'stage' / time / 'vis_data'
        folder.mkdir(parents=True)
        text = '\n'.join(json.dumps(line) for line in lines)
        (folder / f'{time}.json').write_text(text + '\n{"iter": 9, "lo')  # cut off by a stop
        (folder / 'scalars.json').write_text(text)
    curves = read_training(tmp_path / 'stage')
    assert curves.iterations.tolist() == [1, 2, 3, 4, 5]
    assert curves.losses['loss'].tolist() == [9, 8, 3, 4, 5]
    assert curves.rate.tolist() == [0.1, 0.1, 0.2, 0.2, 0.2]
    (tmp_path / 'empty').mkdir()
    assert read_training(tmp_path / 'empty') is None


@pytest.mark.parametrize('names', [('20261025_020100', '20261025_020000'), ('a', 'b')])
def test_clock_set_back_between_two_runs_of_a_training(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    """The folder of the resumed run has an earlier name; neither loses its lines."""
    runs = [range(1, 5), range(3, 8)]  # stopped after the fourth, resumed from the second
    for number, (name, iterations) in enumerate(zip(names, runs, strict=True)):
        folder = tmp_path / name / 'vis_data'
        folder.mkdir(parents=True)
        lines = [json.dumps(dict(iter=n, loss=number, lr=0.1)) for n in iterations]
        (folder / f'{name}.json').write_text('\n'.join(lines))
    curves = read_training(tmp_path)
    assert curves.iterations.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert curves.losses['loss'].tolist() == [0, 0, 1, 1, 1, 1, 1]
