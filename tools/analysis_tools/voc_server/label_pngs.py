"""The label PNGs of an upload, one by one."""

import io
from pathlib import Path

import numpy as np
from mmseg.datasets import PascalVOCDataset
from PIL import Image

from mmdrs.errors import InputError, MissingFileError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.palette import voc_palette
from mmdrs.reading import reading
from voc_server.faults import SHOWN, UNREADABLE, Faults

_CLASSES = PascalVOCDataset.METAINFO['classes']
_COLOURS = voc_palette(256)
_LAST = len(_CLASSES) - 1
_GREY = ('1', 'L', 'I;16', 'I')
_VALUE = f'values above {_LAST} (the server wants a class for every pixel, {IGNORE_LABEL} is none)'


def read_prediction(path: Path, size: tuple[int, int], faults: Faults) -> np.ndarray | None:
    """Read a prediction, (H, W) uint8 of 0..20; with a fault None."""
    before = _count(faults)
    try:
        with reading(path, 'prediction'):
            data = path.read_bytes()
    except MissingFileError:
        faults['missing predictions'].append(path.name)
        return None
    except InputError as error:
        faults[UNREADABLE].append(str(error))
        return None
    picture = _open_png(data, path.name, faults)
    if picture is None:
        return None
    if picture.mode not in (*_GREY, 'P'):
        faults['in colour instead of class indices'].append(f'{path.name}: mode {picture.mode}')
    elif picture.mode == 'L' and data[24] < 8:
        # Pillow spreads the grey levels of few bits over 0..255, so that classes would change.
        faults['grey with 2 or 4 bits, write 8'].append(f'{path.name}: {data[24]} bits')
    else:
        _check_values(np.asarray(picture), path.name, faults)
    _check_size(picture, size, path.name, faults)
    return np.asarray(picture).astype(np.uint8) if _count(faults) == before else None


def palette_png(label: np.ndarray) -> bytes:
    """Encode a label (H, W), uint8, with all 256 colours of VOC's colour map."""
    picture = Image.fromarray(label)
    picture.putpalette([part for colour in _COLOURS for part in colour])
    file = io.BytesIO()
    picture.save(file, format='PNG')
    return file.getvalue()


def check_png(data: bytes, size: tuple[int, int] | None, where: str, faults: Faults) -> None:
    """Note what is wrong with a PNG of an archive; ``size`` is (height, width) of its image."""
    picture = _open_png(data, where, faults)
    if picture is None:
        return
    if picture.mode == 'P':
        _check_palette(picture, where, faults)
    else:
        kind = 'grey' if picture.mode in (*_GREY, 'LA') else 'colours'
        faults['not a palette PNG (mode P)'].append(f'{where}: {kind}, mode {picture.mode}')
    if picture.mode in (*_GREY, 'P'):
        _check_values(np.asarray(picture), where, faults)
    _check_size(picture, size or picture.size[::-1], where, faults)


def _open_png(data: bytes, where: str, faults: Faults) -> Image.Image | None:
    """Decode a PNG; if that cannot be done, note it and return None."""
    if not data.startswith(b'\x89PNG\r\n\x1a\n'):
        kind = 'a JPEG' if data.startswith(b'\xff\xd8\xff') else 'no PNG'
        faults[UNREADABLE].append(f'{where}: {kind}')
        return None
    try:
        picture = Image.open(io.BytesIO(data), formats=['PNG'])
        picture.load()
        return picture
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        faults[UNREADABLE].append(f'{where}: {error}')
        return None


def _check_palette(picture: Image.Image, where: str, faults: Faults) -> None:
    """Note the first entry of a palette that differs from VOC's 256."""
    palette = picture.getpalette('RGB')
    for index, wanted in enumerate(_COLOURS):
        found = palette[3 * index : 3 * index + 3]
        if found != wanted:
            value, expected = (','.join(map(str, colour)) for colour in (found, wanted))
            name = f' ({_CLASSES[index]})' if index <= _LAST else ''
            line = f"entry {index}{name} is {value or 'missing'}, VOC's is {expected}"
            faults["a palette that is not VOC's"].append(f'{where}: {line}')
            return


def _check_values(label: np.ndarray, where: str, faults: Faults) -> None:
    """Note the values above 20 of a label (H, W), integers."""
    if label.size and label.max() > _LAST:
        values = [str(value) for value in np.unique(label[label > _LAST])]
        more = f' and {len(values) - SHOWN} more' if len(values) > SHOWN else ''
        faults[_VALUE].append(f'{where}: {", ".join(values[:SHOWN])}{more}')


def _check_size(picture: Image.Image, size: tuple[int, int], where: str, faults: Faults) -> None:
    if picture.size != size[::-1]:
        (width, height), (found_width, found_height) = size[::-1], picture.size
        line = f'{found_width} x {found_height}, its image is {width} x {height}'
        faults['wrong size (width x height)'].append(f'{where}: {line}')


def _count(faults: Faults) -> int:
    return sum(map(len, faults.values()))
