"""HTML, pictures, charts and logs of the report."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.reporting.report.charts import Chart, Line, svg, ticks, write_png
from mmdrs.reporting.report.html import Html, tag
from mmdrs.reporting.report.pictures import label_uri, photo_uri
from mmdrs.reporting.report.scalars import merge_runs, read_training


def test_text_is_escaped() -> None:
    made = tag('p', '<b> & "x"', Html('<i></i>'), ['a', None, 3], title='"<', hidden=True, id=None)
    assert made == '<p title="&quot;&lt;" hidden>&lt;b&gt; &amp; &quot;x&quot;<i></i>a3</p>'
    assert tag('img', src='x') == '<img src="x">'


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


def test_ticks() -> None:
    assert ticks(0, 100) == [0, 20, 40, 60, 80, 100]
    assert ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert len(ticks(0, 137)) <= 6


def test_chart(tmp_path: Path) -> None:
    x = np.arange(3.0)
    lines = [Line('a<', x, np.array([0.0, np.nan, 2.0])), Line('b', x, x, 1)]
    chart = Chart('c', 'Title', 'x', 'y', lines, 'what it shows')
    drawn = svg(chart)
    assert drawn.count('class="curve"') == 2 and 'a&lt;' in drawn and 'what it shows' in drawn
    assert 'nan' not in drawn
    write_png(tmp_path / 'c.png', chart)
    with Image.open(tmp_path / 'c.png') as picture:
        assert picture.size == (960, 600)


def test_resumed_training(tmp_path: Path) -> None:
    """The second run does iterations 3 and 4 again: its lines stand."""
    old = [dict(iter=i, loss=10 - i, lr=0.1) for i in (1, 2, 3, 4)]
    new = [dict(iter=i, loss=i, lr=0.2) for i in (3, 4, 5)]
    assert [line['loss'] for line in merge_runs([old, new])] == [9, 8, 3, 4, 5]
    for time, lines in (('20260101_1', old), ('20260101_2', new)):
        folder = tmp_path / 'stage' / time / 'vis_data'
        folder.mkdir(parents=True)
        text = '\n'.join(json.dumps(line) for line in lines)
        (folder / f'{time}.json').write_text(text + '\n{"iter": 9, "lo')  # cut off by a stop
        (folder / 'scalars.json').write_text(text)
    curves = read_training(tmp_path, 'stage')
    assert curves.iterations.tolist() == [1, 2, 3, 4, 5]
    assert curves.losses['loss'].tolist() == [9, 8, 3, 4, 5]
    assert curves.rate.tolist() == [0.1, 0.1, 0.2, 0.2, 0.2]
    (tmp_path / 'empty').mkdir()
    assert read_training(tmp_path, 'empty') is None
