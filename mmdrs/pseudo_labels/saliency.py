"""Saliency maps of photographs: where an image has an object, whatever its class.

Three makers: the networks of rembg, maps that another program has made, and the spectral residual,
which needs no weights and is weak.
"""

import importlib
from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from mmdrs.errors import InputError, MissingFileError
from mmdrs.pseudo_labels.image_file import open_picture, read_image, read_saliency

#: Networks of rembg that are named here; `rembg:NAME` takes any that runs on this machine.
REMBG_MODELS = ('u2netp', 'isnet-general-use')
#: What the maps of a network that was trained on the user's own images are made by.
LEARNED = 'learned foreground'
_INSTALL = "pip install 'mmdrs[saliency]'"
#: Longer side at which the spectrum is computed (Hou and Zhang: 64).
_SPECTRUM_SIDE = 64
_SMOOTHING = 2.5  # standard deviation at that size
_PICTURES = ('.png', '.jpg', '.jpeg', '.tif', '.tiff', '.bmp')


def spectral_residual(image: np.ndarray) -> np.ndarray:
    """The spectral residual of an image: what is unusual in its spectrum.

    X. Hou, L. Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007, section 2: the
    log amplitude spectrum less its mean over 3 x 3 frequencies, transformed back with the phase,
    squared and smoothed.

    Args:
        image: uint8 RGB (H, W, 3).

    Returns:
        Saliency 0..255, uint8 (H, W).
    """
    height, width = image.shape[:2]
    factor = _SPECTRUM_SIDE / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    if grey.min() == grey.max():
        return np.zeros((height, width), np.uint8)  # rounding would be all there is
    spectrum = np.fft.fft2(grey.astype(np.float64))
    amplitude = np.log(np.abs(spectrum) + 1e-12)
    residual = amplitude - cv2.blur(amplitude, (3, 3), borderType=cv2.BORDER_REPLICATE)
    saliency = np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2
    saliency = cv2.GaussianBlur(saliency, (0, 0), _SMOOTHING)
    saliency -= saliency.min()
    saliency *= 255 / max(saliency.max(), 1e-12)
    large = cv2.resize(saliency, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.rint(large).astype(np.uint8)


class SaliencyModel(ABC):
    """Makes the saliency map of an image.

    Attributes:
        source: What it is, for ``background_cue.source`` and the records of scores.
    """

    source: str

    @abstractmethod
    def map_of(self, path: Path, image_id: str) -> np.ndarray:
        """The saliency map of an image file, 0..255, uint8 (H, W), of the image's size.

        Raises:
            InputError: If the image, or what the map is made from, cannot be read.
        """


class SpectralResidual(SaliencyModel):
    """:func:`spectral_residual`."""

    source = 'spectral residual'

    def map_of(self, path: Path, image_id: str) -> np.ndarray:
        return spectral_residual(read_image(path))


class Rembg(SaliencyModel):
    """A network of rembg (MIT licence), which downloads its weights by itself.

    Args:
        name: Name of the network, one of those of rembg.

    Raises:
        InputError: If rembg is not installed, has no such network, the network would send images
            to a server, or its weights are not there and cannot be downloaded.
    """

    def __init__(self, name: str = REMBG_MODELS[0]) -> None:
        if not has_rembg():
            raise InputError(
                f'rembg is not installed: {_INSTALL} (Python 3.11 or later), or use '
                '--model spectral, which needs no network and is weak'
            )
        rembg = importlib.import_module('rembg')
        try:
            self._session: Any = rembg.new_session(name)
        except Exception as error:  # of the name, the download, or the file
            raise InputError(
                f'rembg cannot prepare its network {name!r} ({error}). It downloads the weights '
                'at the first use; without a network, copy NAME.onnx into the folder U2NET_HOME '
                'or use --model spectral'
            ) from error
        if not getattr(self._session, 'is_local', lambda: True)():
            raise InputError(f'the network {name!r} of rembg would send your images to a server')
        self.source = f'rembg {name}'

    def map_of(self, path: Path, image_id: str) -> np.ndarray:
        image = read_image(path)
        (mask, *_) = self._session.predict(Image.fromarray(image))
        return np.array(mask.convert('L').resize(image.shape[1::-1], Image.Resampling.BILINEAR))


class MapFolder(SaliencyModel):
    """Maps that another program has made, brought to the size of their images.

    A file has the name of its image, in the same folders; pictures with an alpha channel, such as
    cut-outs of a background remover, are that channel.

    Args:
        folder: The folder.

    Raises:
        MissingFileError: If there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise MissingFileError(
                f'there is no folder {folder}; --model is auto, rembg, rembg:NAME, spectral, or '
                'the folder of maps that another program has made'
            )
        self._folder = folder
        self.source = folder.resolve().name

    def map_of(self, path: Path, image_id: str) -> np.ndarray:
        image = read_image(path)
        found = self._file(image_id)
        with open_picture(found, 'saliency map') as picture:
            alpha = np.array(picture.getchannel('A')) if 'A' in picture.getbands() else None
        saliency = read_saliency(found) if alpha is None else alpha
        size = image.shape[1::-1]
        return np.array(Image.fromarray(saliency).resize(size, Image.Resampling.BILINEAR))

    def _file(self, image_id: str) -> Path:
        paths = [self._folder / f'{image_id}{end}' for end in _PICTURES]
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise MissingFileError(f'there is no saliency map {self._folder / image_id}.png')
        return found


def has_rembg() -> bool:
    """Whether rembg can be imported: it ends the process where there is no ONNX Runtime."""
    return all(find_spec(name) is not None for name in ('rembg', 'onnxruntime'))


def saliency_model(name: str) -> SaliencyModel:
    """A maker by name: ``auto``, ``rembg``, ``rembg:NETWORK``, ``spectral``, or a folder of maps.

    ``auto`` is rembg where it is installed, else the spectral residual.

    Raises:
        InputError: If it cannot be used; says what to do.
    """
    if name == 'auto':
        name = 'rembg' if has_rembg() else 'spectral'
    if name == 'spectral':
        return SpectralResidual()
    kind, _, network = name.partition(':')
    if kind == 'rembg':
        return Rembg(network or REMBG_MODELS[0])
    return MapFolder(Path(name))
