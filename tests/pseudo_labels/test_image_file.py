"""The one reader of images and the one of saliency maps, for every mode of file."""

from pathlib import Path

import mmcv
import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.image_file import SALIENCY_MODES, read_image, read_saliency

LEVELS = np.random.default_rng(0).integers(0, 256, (4, 6)).astype(np.uint8)


def test_images_are_read_as_the_network_got_them(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    exif = Image.Exif()
    for orientation in (3, 6):  # turned by 180 degrees, whose size does not tell, and by 90
        exif[0x0112] = orientation
        path = tmp_path / f'turned_{orientation}.jpg'
        Image.fromarray(pixels).save(path, exif=exif, quality=95)
        jpeg = read_image(path).astype(int)
        loaded = mmcv.imread(str(path), channel_order='rgb').astype(int)
        assert np.abs(jpeg - loaded).max() <= 3  # two JPEG decoders
    Image.fromarray(LEVELS).save(tmp_path / 'grey.png')
    grey = read_image(tmp_path / 'grey.png', (4, 6))
    np.testing.assert_array_equal(grey, LEVELS[..., None].repeat(3, axis=2))
    with pytest.raises(InputError, match=r'grey\.png is 6 x 4.*predicted for it is 4 x 6'):
        read_image(tmp_path / 'grey.png', (6, 4))


def test_deep_images_are_scaled(tmp_path: Path) -> None:
    """Not clipped: PIL's own conversion of 16 bits makes everything above 255 white."""
    Image.fromarray(LEVELS.astype(np.uint16) * 257).save(tmp_path / 'deep.png')
    expected = LEVELS[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(read_image(tmp_path / 'deep.png'), expected)
    Image.fromarray(LEVELS.astype(np.float32)).save(tmp_path / 'float.tif')
    with pytest.raises(InputError, match=r'float\.tif has floating-point pixels'):
        read_image(tmp_path / 'float.tif')


def saliency_file(path: Path, mode: str) -> np.ndarray:
    """Write the levels (or where they are high) in a mode; returns what is to be read."""
    expected = LEVELS
    picture = Image.fromarray(LEVELS)
    if mode == '1':
        expected = np.where(LEVELS > 127, 255, 0)
        picture = Image.fromarray(LEVELS > 127)
    elif mode == 'P':  # the indices count down where the colours count up
        picture = Image.fromarray(255 - LEVELS)
        picture.putpalette([level for level in range(255, -1, -1) for _ in range(3)])
    elif mode == 'I;16':
        picture = Image.fromarray(LEVELS.astype(np.uint16) * 257)
    elif mode == 'I':
        picture = Image.fromarray(LEVELS.astype(np.int32) * 257)
    elif mode != 'L':
        picture = picture.convert(mode)
    assert picture.mode == mode
    picture.save(path)
    return expected


@pytest.mark.parametrize('mode', ['L', '1', 'P', 'RGB', 'RGBA', 'LA', 'I;16', 'I'])
def test_saliency_of_every_mode(tmp_path: Path, mode: str) -> None:
    assert mode in SALIENCY_MODES
    path = tmp_path / ('s.tif' if mode == 'I' else 's.png')
    expected = saliency_file(path, mode)
    found = read_saliency(path, (4, 6))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_saliency_errors(tmp_path: Path) -> None:
    path = tmp_path / 's.png'
    with pytest.raises(FileNotFoundError, match=r'no saliency map .*s\.png'):
        read_saliency(path)
    path.write_bytes(b'no picture')
    with pytest.raises(InputError, match=r's\.png is not a readable saliency map'):
        read_saliency(path)
    Image.fromarray(LEVELS).save(path)
    with pytest.raises(InputError, match=r's\.png is 6 x 4, but its image is 4 x 6 \(width'):
        read_saliency(path, (6, 4))
    Image.fromarray(LEVELS).convert('CMYK').save(tmp_path / 's.tif')
    with pytest.raises(InputError, match=r's\.tif has mode CMYK'):
        read_saliency(tmp_path / 's.tif')
