"""Checks of what is in the files: sizes, modes, values, ranges."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.datasets.content_checks import (
    image_problems,
    map_problems,
    mask_value_problems,
)
from mmdrs.errors import InputError, MissingFileError
from tests.pipeline_runs import load_tool

check_saliency = load_tool('dataset_converters/check_saliency').check_saliency
IDS = [f'i{number}' for number in range(8)]


def save(path: Path, shape: tuple[int, ...]) -> str:
    Image.fromarray(np.zeros(shape, np.uint8)).save(path)
    return str(path)


def test_sizes_modes_and_broken_files(tmp_path: Path) -> None:
    image = save(tmp_path / 'i.jpg', (8, 6, 3))
    good = save(tmp_path / 'good.png', (8, 6))
    small = save(tmp_path / 'small.png', (6, 8))
    colored = save(tmp_path / 'colored.png', (8, 6, 3))
    broken = tmp_path / 'broken.png'
    broken.write_bytes(b'no picture')
    assert map_problems('title', 'seg_map_path', [(image, good)]) == []
    pairs = [(image, name) for name in (good, small, colored, str(broken))]
    [message] = map_problems('data_prefix', 'seg_map_path', pairs, 'Make them again.')
    lines = str(message).splitlines()
    assert lines[0] == 'data_prefix: 3 wrong files:'
    assert lines[1] == (f'  {small} is 8 x 6, its image {image} is 6 x 8 (width x height)')
    assert lines[2] == f'  {colored} is a RGB picture; labels are indexed (mode P or L)'
    assert lines[3].startswith(f'  {broken} is not a readable label')
    assert lines[4] == 'Make them again.'


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
    Image.new('CMYK', (6, 4)).save(maps / 'i2.png', format='TIFF')
    (maps / 'i3.png').write_bytes(b'broken')
    with pytest.raises(InputError) as error:
        check_saliency(maps, IDS, images)
    lines = str(error.value).splitlines()
    assert lines[:3] == [
        f'{maps}, saliency maps: 3 wrong files:',
        f'  {maps}/i1.png is 4 x 6, its image {images}/i1.jpg is 6 x 4 (width x height)',
        f'  {maps}/i2.png has mode CMYK; saliency maps are grey (0..255), of one bit, 16 bits, a '
        'palette, or colours',
    ]
    assert lines[3].startswith(f'  {maps}/i3.png is not a readable saliency map')
    assert len(lines) == 4


def masks_of(num_values: int, scored: bool = True) -> partial:
    return partial(mask_value_problems, num_values=num_values, scored=scored)


def masks(folder: Path, *values: list[int]) -> tuple[list[tuple[str, str]], list[str]]:
    """Images with masks that hold these values: (image, mask) of each, and the masks."""
    image = save(folder / 'i.jpg', (4, 4, 3))
    paths = []
    for number, own in enumerate(values):
        mask = np.zeros((4, 4), np.uint8)
        mask[0, : len(own)] = own
        paths.append(str(folder / f'{number}.png'))
        Image.fromarray(mask).save(paths[-1])
    return [(image, path) for path in paths], paths


@pytest.mark.parametrize(
    ('values', 'num_values', 'lines'),
    [
        ([[1, 255], [255]], 2, []),
        ([[255], [255]], 2, ['none of 2 masks has a pixel of a class', 'Write class 1 as 1']),
        ([[0], [0]], 2, ['none of 2 masks has a pixel of a class']),
        ([[1], [7, 9], [2]], 3, ['1 of 3 masks hold values that are no class (0..2', '7, 9']),
        (
            [[38], [75, 38]],
            21,
            ['2 of 2 masks', '0.png holds 38', '1.png holds 38, 75', 'palette'],
        ),
    ],
)
def test_values_of_masks(
    tmp_path: Path, values: list[list[int]], num_values: int, lines: list[str]
) -> None:
    pairs, _ = masks(tmp_path, *values)
    found = map_problems('key', 'seg_map_path', pairs, judge=masks_of(num_values))
    assert len(found) == bool(lines)
    for line in lines:
        assert line in str(found[0])


def test_labels_to_train_on_may_lack_every_class(tmp_path: Path) -> None:
    pairs, _ = masks(tmp_path, [255], [0])
    assert not map_problems('key', 'seg_map_path', pairs, judge=masks_of(2, False))


def test_a_changed_mask_is_looked_at_again(tmp_path: Path) -> None:
    pairs, paths = masks(tmp_path, [1])
    judge = masks_of(2)
    assert not map_problems('key', 'seg_map_path', pairs, judge=judge)
    save(Path(paths[0]), (5, 4))
    size, _ = map_problems('key', 'seg_map_path', pairs, judge=judge)
    assert '5, its image' in str(size)


@pytest.mark.parametrize(
    ('dtype', 'values', 'problem'),
    [
        (np.uint8, (0, 1), 'no value of 8 saliency maps of 8 bits exceeds 1 of 255'),
        (np.uint16, (0, 255), 'no value of 8 saliency maps of 16 bits exceeds 255 of 65535'),
        (np.uint8, (0, 0), None),
        (np.uint8, (0, 2), None),
        (np.uint16, (0, 256), None),
    ],
)
def test_range_of_saliency_maps(
    folders: tuple[Path, Path], dtype: type, values: tuple[int, int], problem: str | None
) -> None:
    maps, images = folders
    for name in IDS:
        Image.fromarray(np.array([values * 3] * 4, dtype)).save(maps / f'{name}.png')
    if problem is None:
        check_saliency(maps, IDS, images)
        return
    with pytest.raises(InputError, match=problem):
        check_saliency(maps, IDS, images)


def test_unreadable_files_are_named(folders: tuple[Path, Path]) -> None:
    maps, images = folders
    noise = np.random.default_rng(0).integers(0, 256, (4, 6)).astype(np.uint8)
    Image.fromarray(noise).save(maps / 'i2.png')
    (maps / 'i2.png').write_bytes((maps / 'i2.png').read_bytes()[:-25])  # the header is whole
    (images / 'i4.jpg').write_bytes(b'')
    (images / 'i5.jpg').write_text('<html>404</html>')
    paths = [str(images / f'{name}.jpg') for name in IDS]
    message = str(image_problems('images', paths)[0])
    assert message.splitlines()[0] == 'images: 2 wrong files:'
    assert f'{images}/i4.jpg is not a readable image' in message
    assert f'{images}/i5.jpg is not a readable image' in message
    with pytest.raises(InputError, match=r'maps/i2\.png is not a readable saliency map') as error:
        check_saliency(maps, IDS, images)
    assert message.splitlines()[1] in str(error.value)
