"""The one reader of images and the one of saliency maps, for every mode of file."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.image_file import (
    SALIENCY_MODES,
    read_header,
    read_image,
    read_saliency,
)
from mmdrs.pseudo_labels.label_file import read_label

LEVELS = np.random.default_rng(0).integers(0, 256, (4, 6)).astype(np.uint8)


COLOURS = np.random.default_rng(1).integers(0, 256, (4, 6, 3)).astype(np.uint8)


def assert_as_the_network(path: Path) -> None:
    """What the CRF and the pictures get is what the network got, bit for bit."""
    loaded = LoadImageFromFile()(dict(img_path=str(path)))['img']
    found = read_image(path, loaded.shape[:2])
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, loaded[..., ::-1])
    assert read_header(path)[:2] == loaded.shape[:2]


@pytest.mark.parametrize('suffix', ['jpg', 'png', 'webp', 'tif'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_every_orientation(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f'turned.{suffix}'
    Image.fromarray(COLOURS).save(path, exif=exif)
    assert_as_the_network(path)


@pytest.mark.parametrize(
    ('mode', 'suffix'),
    [
        *((mode, 'png') for mode in ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16')),
        *((mode, 'tif') for mode in ('1', 'L', 'P', 'RGB', 'RGBA', 'CMYK', 'I;16')),
        *((mode, 'jpg') for mode in ('L', 'RGB', 'CMYK', 'YCbCr')),
        *((mode, 'webp') for mode in ('RGB', 'RGBA')),
        *((mode, 'bmp') for mode in ('1', 'L', 'P', 'RGB')),
    ],
)
def test_images_of_every_mode(tmp_path: Path, mode: str, suffix: str) -> None:
    path = tmp_path / f'image.{suffix}'
    if mode == 'I;16':
        Image.fromarray(LEVELS.astype(np.uint16) * 257).save(path)
    else:
        picture = Image.fromarray(COLOURS).convert('RGB' if mode == 'CMYK' else mode)
        if mode in ('LA', 'RGBA'):
            picture.putalpha(Image.fromarray(LEVELS))
        picture.convert(mode).save(path)
    assert_as_the_network(path)


def test_image_of_another_size(tmp_path: Path) -> None:
    Image.fromarray(LEVELS).save(tmp_path / 'grey.png')
    with pytest.raises(InputError, match=r'grey\.png is 6 x 4.*predicted for it is 4 x 6'):
        read_image(tmp_path / 'grey.png', (6, 4))


def test_image_that_is_cut_off(tmp_path: Path) -> None:
    """OpenCV would fill it up with grey."""
    path = tmp_path / 'a.jpg'
    Image.fromarray(COLOURS.repeat(20, axis=0)).save(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r'a\.jpg is not a readable image \(.*truncated'):
        read_image(path)


def test_huge_header_is_refused_by_every_reader(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))

    path = tmp_path / 'a.png'
    header = struct.pack('>IIBBBBB', 20_000, 10_000, 8, 0, 0, 0, 0)
    data = chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(b'')) + chunk(b'IEND', b'')
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + data)
    for read in (read_image, read_header, read_saliency, read_label):
        with pytest.raises(
            InputError, match=r'a\.png is not a readable .*\(Image size \(200000000 pix'
        ):
            read(path)


def test_pipe_is_refused(tmp_path: Path) -> None:
    """Reading it would wait for ever."""
    os.mkfifo(tmp_path / 'a.png')
    for read in (read_image, read_header, read_saliency, read_label):
        with pytest.raises(InputError, match=r'a\.png. is a folder, a pipe or a device'):
            read(tmp_path / 'a.png')


def test_deep_images_are_scaled(tmp_path: Path) -> None:
    """Not clipped: PIL's own conversion of 16 bits makes everything above 255 white."""
    Image.fromarray(LEVELS.astype(np.uint16) * 257).save(tmp_path / 'deep.png')
    expected = LEVELS[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(read_image(tmp_path / 'deep.png'), expected)
    Image.fromarray(LEVELS.astype(np.float32)).save(tmp_path / 'float.tif')
    with pytest.raises(InputError, match=r'float\.tif cannot be read by OpenCV \(mode F'):
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
