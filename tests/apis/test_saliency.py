"""Saliency maps of a folder: whole, resumable, never over files of the user's."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.apis.saliency import make_saliency
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.image_file import read_image, read_saliency
from mmdrs.pseudo_labels.saliency import SaliencyModel
from mmdrs.pseudo_labels.saliency_source import read_source


class Red(SaliencyModel):
    """The red channel; counts its calls."""

    source = 'red'

    def __init__(self) -> None:
        self.calls: list[str] = []

    def map_of(self, path: Path, image_id: str) -> np.ndarray:
        self.calls.append(image_id)
        return read_image(path)[..., 0]


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, level in (('a', 0), ('b/c', 200)):
        found[name] = tmp_path / 'photos' / f'{name}.png'
        found[name].parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 5, 3), level, np.uint8)).save(found[name])
    return found


def test_maps_and_their_source(images: dict[str, Path], tmp_path: Path) -> None:
    summary = make_saliency(images, tmp_path / 'maps', Red())
    assert (read_saliency(tmp_path / 'maps' / 'b' / 'c.png') == 200).all()
    assert read_source(tmp_path / 'maps') == 'red'
    assert (summary.made, summary.kept, summary.failed) == (2, 0, {})
    assert summary.salient == {'a': 0, 'b/c': 1}
    assert summary.empty() == ['a']


def test_goes_on_where_it_was_stopped(images: dict[str, Path], tmp_path: Path) -> None:
    make_saliency({'a': images['a']}, tmp_path / 'maps', Red())
    model = Red()
    summary = make_saliency(images, tmp_path / 'maps', model)
    assert model.calls == ['b/c']
    assert (summary.made, summary.kept) == (1, 1)
    damaged = tmp_path / 'maps' / 'a.png'
    damaged.write_bytes(damaged.read_bytes()[:60])
    make_saliency(images, tmp_path / 'maps', model)
    assert model.calls == ['b/c', 'a']


def test_a_broken_image_stops_nothing(images: dict[str, Path], tmp_path: Path) -> None:
    images['a'].write_bytes(b'no image')
    summary = make_saliency(images, tmp_path / 'maps', Red())
    assert list(summary.failed) == ['a'] and 'a.png' in summary.failed['a']
    assert summary.made == 1


def test_maps_of_another_model_stay(images: dict[str, Path], tmp_path: Path) -> None:
    make_saliency(images, tmp_path / 'maps', Red())
    other = Red()
    other.source = 'infrared'
    with pytest.raises(InputError, match=r'a\.png was made by red, not by infrared: give another'):
        make_saliency(images, tmp_path / 'maps', other)
    assert read_source(tmp_path / 'maps') == 'red'


def test_files_of_the_user_stay(images: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r'a\.png is an input of this data set'):
        make_saliency(images, tmp_path / 'photos', Red())
    (tmp_path / 'maps').mkdir()
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / 'maps' / 'a.png')
    with pytest.raises(InputError, match=r'a\.png is there, was not written by mmdrs'):
        make_saliency(images, tmp_path / 'maps', Red())
