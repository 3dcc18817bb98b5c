"""Checks of existence and size."""

import os
from pathlib import Path

import mmcv
import numpy as np
import pytest
from PIL import Image

from mmdrs.datasets.file_checks import (
    LABEL_MODES,
    FolderIndex,
    check_exist,
    check_saliency,
    check_sizes,
    read_header,
)
from mmdrs.errors import InputError, MissingFileError

IDS = [f'i{number}' for number in range(8)]


def test_folder_index_lists_each_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'a.jpg').touch()
    calls = []
    listdir = os.listdir
    monkeypatch.setattr(os, 'listdir', lambda path: calls.append(path) or listdir(path))
    index = FolderIndex()
    found = [index.exists(str(tmp_path / name)) for name in ('a.jpg', 'b.jpg', 'a')]
    assert found == [True, False, False]
    assert not index.exists(str(tmp_path / 'absent' / 'a.jpg'))
    assert calls == [str(tmp_path)]


def test_missing_files_of_all_keys_in_one_error(tmp_path: Path) -> None:
    (tmp_path / '0.png').touch()
    files = {
        'img_path': [str(tmp_path / '0.png')],
        'map_path': [str(tmp_path / f'{n}.npz') for n in range(7)],
        'saliency_path': [str(tmp_path / f'{n}.png') for n in range(2)],
    }
    with pytest.raises(MissingFileError) as error:
        check_exist(files, {'map_path': 'Do something.'}, FolderIndex())
    lines = str(error.value).splitlines()
    assert lines[0] == 'map_path: 7 of 7 files are missing:'
    assert lines[1:6] == [f'  {path}' for path in files['map_path'][:5]]
    assert lines[6:8] == ['  ... and 2 more', 'Do something.']
    assert lines[8:] == [
        'saliency_path: 1 of 2 files are missing:',
        f'  {tmp_path / "1.png"}',
    ]


def save(path: Path, shape: tuple[int, ...], exif: Image.Exif | None = None) -> str:
    kwargs = {} if exif is None else {'exif': exif}
    Image.fromarray(np.zeros(shape, np.uint8)).save(path, **kwargs)
    return str(path)


def test_sizes_modes_and_broken_files(tmp_path: Path) -> None:
    image = save(tmp_path / 'i.jpg', (8, 6, 3))
    good = save(tmp_path / 'good.png', (8, 6))
    small = save(tmp_path / 'small.png', (6, 8))
    colored = save(tmp_path / 'colored.png', (8, 6, 3))
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'no picture')
    check_sizes('seg_map_path', [(image, good)], LABEL_MODES, '')
    pairs = [(image, name) for name in (good, small, colored, str(broken))]
    with pytest.raises(InputError) as error:
        check_sizes('seg_map_path', pairs, LABEL_MODES, 'Make them again.')
    lines = str(error.value).splitlines()
    assert lines[0] == 'seg_map_path: 3 wrong files:'
    assert lines[1] == (f'  {small} is 8 x 6, its image {image} is 6 x 8 (width x height)')
    assert lines[2] == f'  {colored} has mode RGB, expected P or L'
    assert lines[3].startswith(f'  {broken} is not a readable image')
    assert lines[4] == 'Make them again.'


def test_header_size_is_that_of_the_loaded_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: rotate by 90 degrees
    path = save(tmp_path / 'turned.jpg', (8, 6, 3), exif)
    assert mmcv.imread(path).shape[:2] == (6, 8)
    assert read_header(path) == (6, 8, 'RGB')


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of saliency maps and images, all 6 x 4 (width x height)."""
    maps, images = tmp_path / 'maps', tmp_path / 'images'
    for folder, mode, suffix in ((maps, 'L', 'png'), (images, 'RGB', 'jpg')):
        folder.mkdir()
        for name in IDS:
            Image.new(mode, (6, 4)).save(folder / f'{name}.{suffix}')
    return maps, images


def test_complete_saliency_folder(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    check_saliency(maps, IDS, images)
    check_saliency(maps, ['i0.jpg'], images)
    Image.new('L', (6, 4)).save(maps / 'i0_sal.png')
    check_saliency(maps, ['i0'], images, saliency_suffix='_sal.png')


def test_missing_saliency_maps_are_counted_and_the_first_named(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    for name in IDS[1:8]:
        (maps / f'{name}.png').unlink()
    with pytest.raises(MissingFileError) as error:
        check_saliency(maps, IDS, images)
    assert str(error.value).splitlines() == [
        f'{maps}, saliency maps: 7 of 8 files are missing:',
        *(f'  {maps / name}.png' for name in IDS[1:6]),
        '  ... and 2 more',
    ]


def test_missing_images_and_folders(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    message = 'images, images: 1 of 9 files are missing:\n .*x1.jpg\n.*maps: 1 of 9 .*\n .*x1.png'
    with pytest.raises(MissingFileError, match=message):
        check_saliency(maps, [*IDS, 'x1'], images)
    with pytest.raises(MissingFileError, match='no_maps: no such folder; .* the saliency maps'):
        check_saliency(maps.parent / 'no_maps', IDS, images)


def test_wrong_saliency_maps(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    Image.new('L', (4, 6)).save(maps / 'i1.png')
    Image.new('I;16', (6, 4)).save(maps / 'i2.png')
    (maps / 'i3.png').write_bytes(b'broken')
    with pytest.raises(InputError) as error:
        check_saliency(maps, IDS, images)
    lines = str(error.value).splitlines()
    assert lines[:3] == [
        f'{maps}, saliency maps: 3 wrong files:',
        f'  {maps}/i1.png is 4 x 6, its image {images}/i1.jpg is 6 x 4 (width x height)',
        f'  {maps}/i2.png has mode I;16, expected L or P or 1 or RGB',
    ]
    assert lines[3].startswith(f'  {maps}/i3.png is not a readable image')
    assert len(lines) == 4
