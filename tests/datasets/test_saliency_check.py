"""The check of a folder of saliency maps."""

from pathlib import Path

import pytest
from PIL import Image

from mmdrs.datasets.saliency_check import check_saliency
from mmdrs.errors import InputError, MissingFileError

IDS = [f'i{number}' for number in range(8)]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of saliency maps and images, all 6 x 4 (width x height)."""
    maps, images = tmp_path / 'maps', tmp_path / 'images'
    for folder, mode, suffix in ((maps, 'L', 'png'), (images, 'RGB', 'jpg')):
        folder.mkdir()
        for name in IDS:
            Image.new(mode, (6, 4)).save(folder / f'{name}.{suffix}')
    return maps, images


def test_complete_folder(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    check_saliency(maps, IDS, images)
    check_saliency(maps, ['i0.jpg'], images)
    Image.new('L', (6, 4)).save(maps / 'i0_sal.png')
    check_saliency(maps, ['i0'], images, saliency_suffix='_sal.png')


def test_missing_maps_are_counted_and_the_first_named(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    for name in IDS[1:8]:
        (maps / f'{name}.png').unlink()
    with pytest.raises(MissingFileError) as error:
        check_saliency(maps, IDS, images)
    assert str(error.value).splitlines() == [
        f'{maps}: 7 of 8 saliency maps are missing:',
        *(f'  {maps / name}.png' for name in IDS[1:6]),
        '  ... and 2 more',
    ]


def test_missing_images_and_folders(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    with pytest.raises(MissingFileError, match='images: 1 of 9 images are missing:\n .*x1.jpg'):
        check_saliency(maps, [*IDS, 'x1'], images)
    with pytest.raises(MissingFileError, match='no_maps: no such folder; .* the saliency maps'):
        check_saliency(maps.parent / 'no_maps', IDS, images)


def test_wrong_maps(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    Image.new('L', (4, 6)).save(maps / 'i1.png')
    Image.new('I;16', (6, 4)).save(maps / 'i2.png')
    (maps / 'i3.png').write_bytes(b'broken')
    with pytest.raises(InputError) as error:
        check_saliency(maps, IDS, images)
    lines = str(error.value).splitlines()
    assert lines[0] == f'{maps}: 3 of 8 saliency maps are wrong:'
    assert lines[1] == f'  {maps}/i1.png is 4 x 6, its image is 6 x 4 (width x height)'
    assert lines[2] == f'  {maps}/i2.png has mode I;16, expected L or P or 1 or RGB'
    assert lines[3].startswith(f'  {maps}/i3.png is not a readable image')
