"""The label PNGs of an upload, one by one."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from mmdrs.datasets.formats.voc import VOC_CLASSES
from mmdrs.pseudo_labels.palette import voc_palette
from mmdrs.reporting.voc_server.faults import SHOWN, Faults

_COLOURS = bytes(part for colour in voc_palette(256) for part in colour)

_PNG = b'\x89PNG\r\n\x1a\n'
_JPEG = b'\xff\xd8\xff'
_DAMAGED_PNG = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)

_GREY = ('1', 'L', 'I;16', 'I')
_SIZE = 'wrong size (width x height)'
_MODE = 'not a palette PNG (mode P)'
_PALETTE = "a palette that is not VOC's"
UNREADABLE = 'not a PNG, or unreadable'
_LAST = len(VOC_CLASSES) - 1
_VALUE = f'values above {_LAST} (the server wants a class for every pixel, 255 is none)'


def read_prediction(path: Path, size: tuple[int, int], faults: Faults) -> np.ndarray | None:
    """Read a prediction, (H, W) uint8 of 0..20; with a fault None."""
    before = len(faults)
    try:
        data = path.read_bytes()
    except OSError as error:
        faults.add(UNREADABLE, f'{path.name}: {error.strerror}')
        return None
    picture = _open_png(data, path.name, faults)
    if picture is None:
        return None
    if picture.mode not in (*_GREY, 'P'):
        faults.add('in colour instead of class indices', f'{path.name}: mode {picture.mode}')
    elif picture.mode == 'L' and data[24] < 8:
        # Pillow spreads the grey levels of few bits over 0..255, so that classes would change.
        faults.add('grey with 2 or 4 bits, write 8', f'{path.name}: {data[24]} bits')
    else:
        _check_values(np.asarray(picture), path.name, faults)
    _check_size(picture, size, path.name, faults)
    return np.asarray(picture).astype(np.uint8) if len(faults) == before else None


def palette_png(label: np.ndarray) -> bytes:
    """Encode a label (H, W), uint8, with all 256 colours of VOC's colour map."""
    picture = Image.fromarray(label)
    picture.putpalette(_COLOURS)
    file = io.BytesIO()
    picture.save(file, format='PNG')
    return file.getvalue()


def check_picture(data: bytes, size: tuple[int, int] | None, where: str, faults: Faults) -> None:
    """Note what is wrong with a PNG of an archive; ``size`` is (height, width) of its image."""
    picture = _open_png(data, where, faults)
    if picture is None:
        return
    if picture.mode == 'P':
        _check_palette(picture, where, faults)
    else:
        kind = 'grey' if picture.mode in (*_GREY, 'LA') else 'colours'
        faults.add(_MODE, f'{where}: {kind}, mode {picture.mode}')
    if picture.mode in (*_GREY, 'P'):
        _check_values(np.asarray(picture), where, faults)
    if size is not None:
        _check_size(picture, size, where, faults)


def _open_png(data: bytes, where: str, faults: Faults) -> Image.Image | None:
    """Decode a PNG; if that cannot be done, note it and return None."""
    if not data.startswith(_PNG):
        faults.add(UNREADABLE, f'{where}: {"a JPEG" if data.startswith(_JPEG) else "no PNG"}')
        return None
    try:
        picture = Image.open(io.BytesIO(data), formats=['PNG'])
        picture.load()
    except _DAMAGED_PNG as error:
        faults.add(UNREADABLE, f'{where}: {error}')
        return None
    return picture


def _check_palette(picture: Image.Image, where: str, faults: Faults) -> None:
    """Note the first entry of a palette that differs from VOC's 256."""
    found, wanted = picture.getpalette('RGB'), list(_COLOURS)
    for index in range(256):
        part = slice(3 * index, 3 * index + 3)
        if found[part] != wanted[part]:
            value = ','.join(map(str, found[part])) or 'missing'
            expected = ','.join(map(str, wanted[part]))
            name = f' ({VOC_CLASSES[index]})' if index <= _LAST else ''
            faults.add(_PALETTE, f"{where}: entry {index}{name} is {value}, VOC's is {expected}")
            return


def _check_values(label: np.ndarray, where: str, faults: Faults) -> None:
    """Note the values above 20 of a label (H, W), integers."""
    if label.size and label.max() > _LAST:
        values = [str(value) for value in np.unique(label[label > _LAST])]
        more = f' and {len(values) - SHOWN} more' if len(values) > SHOWN else ''
        faults.add(_VALUE, f'{where}: {", ".join(values[:SHOWN])}{more}')


def _check_size(picture: Image.Image, size: tuple[int, int], where: str, faults: Faults) -> None:
    height, width = size
    if picture.size != (width, height):
        found = f'{picture.width} x {picture.height}'
        faults.add(_SIZE, f'{where}: {found}, its image is {width} x {height}')
