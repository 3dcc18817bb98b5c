"""The benchmark of pseudo labels: both sides do the same work."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import labels as benchmark
from mmdrs.apis.pseudo_labels import CHUNK, make_pseudo_labels
from mmdrs.pseudo_labels.fusion import BackgroundCue
from mmdrs.pseudo_labels.label_file import read_label
from mmdrs.pseudo_labels.map_file import read_maps
from mmdrs.pseudo_labels.palette import voc_palette
from mmdrs.pseudo_labels.rules import LabelRules

SIZE = (90, 120)


@pytest.fixture
def images(tmp_path: Path) -> list[dict]:
    return benchmark.write_images(tmp_path, 4, SIZE)


def test_both_sides_make_the_same_labels(images: list[dict], tmp_path: Path) -> None:
    """Pixel by pixel, all kinds of them: background, classes, ignored."""
    out = tmp_path / 'released'
    out.mkdir()
    expected = list(benchmark.released_labels(tmp_path, images, out))
    rules = LabelRules(BackgroundCue())
    ours = tmp_path / 'ours'
    list(make_pseudo_labels(images, tmp_path / 'maps', ours, rules, voc_palette(21), 21))
    for image, label in zip(images, expected, strict=True):
        name = f'{image["img_id"]}.png'
        np.testing.assert_array_equal(read_label(ours / name), label)
        np.testing.assert_array_equal(read_label(out / name), label)
        classes = set(np.flatnonzero(image['img_label']) + 1)
        assert {0, 255} < set(np.unique(label)) <= {0, 255} | classes


def test_both_formats_hold_the_same_maps(images: list[dict], tmp_path: Path) -> None:
    """20 classes by 320 x 320 bytes as released: the 2.05 MB of the reference, and its 21.7 GB."""
    for number, image in enumerate(images):
        path = tmp_path / 'npy' / f'{image["img_id"]}.npy'
        every = np.load(path)
        assert every.dtype == np.uint8 and every.shape == (20, 320, 320)
        assert path.stat().st_size == 20 * 320 * 320 + 128
        assert f'{10582 * every.nbytes / 1e9:.1f}' == '21.7'
        ours = read_maps(tmp_path / 'maps' / f'{image["img_id"]}.npz')
        assert len(ours.labels) == [1, 1, 2, 2][number] and ours.original_size == SIZE
        np.testing.assert_array_equal(every[list(ours.labels)], ours.values)
        assert np.flatnonzero(every.any(axis=(1, 2))).tolist() == list(ours.labels)
        with Image.open(image['img_path']) as picture:
            assert picture.size == (120, 90)


def test_released_rules_by_hand(tmp_path: Path) -> None:
    """The cases of the reference: columns of one pixel, maps of two classes, salient or not."""
    cases = [
        # salient, first class, second class, label
        (True, 242, 237, 1),  # two classes confident
        (False, 242, 237, 255),  # and the background
        (True, 48, 0, 255),  # below the threshold
        (False, 242, 0, 0),
        (True, 60, 70, 2),
    ]
    (tmp_path / 'npy').mkdir()
    maps = np.zeros((20, 2, 5), np.uint8)
    maps[0], maps[1] = [case[1] for case in cases], [case[2] for case in cases]
    np.save(tmp_path / 'npy' / 'a.npy', maps)
    saliency = np.repeat(np.array([[255 * case[0] for case in cases]], np.uint8), 2, axis=0)
    Image.fromarray(saliency).save(tmp_path / 'a.png')
    image = dict(
        img_id='a', saliency_path=str(tmp_path / 'a.png'), img_label=np.ones(20, np.float32)
    )
    (tmp_path / 'out').mkdir()
    (label,) = benchmark.released_labels(tmp_path, [image], tmp_path / 'out')
    assert label.tolist() == [[case[3] for case in cases]] * 2


def test_rates_in_turn() -> None:
    """One run of each side is not counted; then every repeat runs all sides."""
    order = []

    def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    rates = benchmark.rates_in_turn(dict(a=lambda: side('a'), b=lambda: side('b')), 2)
    assert order == ['a', 'b'] * 3
    assert rates == dict(a=[3, 5], b=[4, 6])


def test_rows(monkeypatch) -> None:
    """One row each for the disk, the released procedure, and two processes; CRF where there is."""
    monkeypatch.setattr(benchmark, 'IMAGES', 2 * CHUNK + 2)
    monkeypatch.setattr(benchmark, 'SIZE', SIZE)
    monkeypatch.setattr(benchmark, 'available_cores', lambda: 2)
    monkeypatch.setattr(benchmark.importlib.util, 'find_spec', lambda name: None)
    rows = benchmark.measure_labels(torch.device('cpu'), 1)
    assert [row.unit for row in rows] == ['kB', 'images/s', 'images/s']
    assert [row.target for row in rows] == ['<= 0.0833', '', '>= 1.8']
    assert {row.part for row in rows} == {'labels'}
    assert rows[0].other.median == pytest.approx(2048.128)
    monkeypatch.setattr(benchmark, 'available_cores', lambda: 1)
    assert len(benchmark.measure_labels(torch.device('cpu'), 1)) == 2
