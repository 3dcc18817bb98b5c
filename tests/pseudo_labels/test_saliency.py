"""Makers of saliency maps: the equation, rembg with a pretended session, other programs."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError, MissingFileError
from mmdrs.pseudo_labels import saliency
from mmdrs.pseudo_labels.saliency import (
    MapFolder,
    Rembg,
    SpectralResidual,
    saliency_model,
    spectral_residual,
)


def test_spectral_residual_is_the_equation() -> None:
    """At 64 pixels nothing is resized: log amplitude less its mean over 3 x 3, phase kept."""
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    spectrum = np.fft.fft2(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(float))
    log = np.log(np.abs(spectrum))
    padded = np.pad(log, 1, mode='edge')
    mean = sum(padded[y : y + 48, x : x + 64] for y in range(3) for x in range(3)) / 9
    found = np.abs(np.fft.ifft2(np.exp(log - mean) * spectrum / np.abs(spectrum))) ** 2
    found = cv2.GaussianBlur(found, (0, 0), 2.5)
    expected = 255 * (found - found.min()) / (found.max() - found.min())
    assert np.abs(spectral_residual(image) - expected).max() <= 0.5 + 1e-6


def test_spectral_residual_finds_what_is_unusual() -> None:
    """A disc among regular stripes stands out; an even image has no salient pixel."""
    image = np.tile(np.where(np.arange(120) // 4 % 2, 90, 160), (80, 1)).astype(np.uint8)
    image = np.repeat(image[..., None], 3, axis=2)
    cv2.circle(image, (30, 50), 12, (250, 30, 30), -1)
    found = spectral_residual(image)
    assert found.shape == (80, 120) and found.max() > 240
    y, x = np.unravel_index(found.argmax(), found.shape)
    assert abs(y - 50) <= 16 and abs(x - 30) <= 16
    assert spectral_residual(np.full((50, 50, 3), 90, np.uint8)).max() == 0


class Session:
    """As a session of rembg: masks of an image, brightest where it is red."""

    def __init__(self, local: bool) -> None:
        self.local = local

    def is_local(self) -> bool:
        return self.local

    def predict(self, image: Image.Image) -> list[Image.Image]:
        return [image.getchannel('R')]


@pytest.fixture
def rembg(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A module in the place of rembg; the list has the networks that were asked for."""
    asked: list[str] = []

    def new_session(name: str) -> Session:
        asked.append(name)
        if name == 'offline':
            raise ConnectionError('no route to host')
        return Session(local=name != 'cloud')

    for name in ('rembg', 'onnxruntime'):
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    sys.modules['rembg'].new_session = new_session
    return asked


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 14, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / 'photo.png')
    return tmp_path / 'photo.png'


def test_rembg(rembg: list[str], photo: Path) -> None:
    model = saliency_model('auto')
    assert model.source == 'rembg u2netp'
    found = model.map_of(photo, 'photo')
    np.testing.assert_array_equal(found, np.array(Image.open(photo))[..., 0])
    assert saliency_model('rembg:isnet-general-use').source == 'rembg isnet-general-use'
    assert rembg == ['u2netp', 'isnet-general-use']


def test_rembg_that_cannot_be_used(rembg: list[str]) -> None:
    with pytest.raises(InputError, match="'offline' .no route to host.*--model spectral"):
        Rembg('offline')
    with pytest.raises(InputError, match="'cloud' of rembg would send your images to a server"):
        Rembg('cloud')


def test_without_rembg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saliency, 'find_spec', lambda name: None)
    assert isinstance(saliency_model('auto'), SpectralResidual)
    with pytest.raises(
        InputError, match=r"rembg is not installed: pip install 'mmdrs\[saliency\]'"
    ):
        saliency_model('rembg')


def test_maps_of_another_program(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'maps'
    folder.mkdir()
    small = np.array([[0, 255]], np.uint8)
    Image.fromarray(small).save(folder / 'photo.jpg', quality=100)
    model = saliency_model(str(folder))
    found = model.map_of(photo, 'photo')
    assert found.shape == (9, 14) and model.source == 'maps'
    assert (np.diff(found.astype(int), axis=1) >= 0).all() and found[0, 0] < 10 < 245 < found[
        0, -1
    ]


def test_cut_outs_are_their_alpha_channel(photo: Path, tmp_path: Path) -> None:
    """Where a background remover has cut, the colours below are white or arbitrary."""
    alpha = np.zeros((9, 14), np.uint8)
    alpha[2:5, 3:8] = 255
    pixels = np.dstack([np.full((9, 14, 3), 255, np.uint8), alpha])
    (tmp_path / 'cut').mkdir()
    Image.fromarray(pixels).save(tmp_path / 'cut' / 'photo.png')
    np.testing.assert_array_equal(MapFolder(tmp_path / 'cut').map_of(photo, 'photo'), alpha)


def test_missing_folder_and_map(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match='no folder spektral; --model is auto, rembg'):
        saliency_model('spektral')
    with pytest.raises(MissingFileError, match=r'there is no saliency map .*/other\.png'):
        MapFolder(tmp_path).map_of(photo, 'other')
