"""Maps as other repositories store them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.foreign_maps import find_class_pngs, read_class_pngs, read_npy_maps

MAPS = np.random.default_rng(0).random((2, 3, 4)).astype('f4')
CLASSES = ('background', 'cat', 'sea lion', 'dog')


@pytest.mark.parametrize(
    'content',
    [
        # IRN and its successors, in the order of the image labels
        {'keys': torch.tensor([1, 4]), 'cam': torch.zeros(2, 1, 1), 'high_res': MAPS},
        {'keys': np.array([4, 1]), 'cam': torch.from_numpy(MAPS[::-1].copy())},
        # SEAM, PSA
        {4: MAPS[1], 1: MAPS[0]},
        # every class, absent ones zero
        np.stack([np.zeros((3, 4)), MAPS[0], *np.zeros((2, 3, 4)), MAPS[1]]).astype('f4'),
    ],
)
def test_npy(tmp_path: Path, content: dict | np.ndarray) -> None:
    np.save(tmp_path / 'a.npy', content)
    labels, values = read_npy_maps(tmp_path / 'a.npy', 6)
    assert labels == (1, 4)
    np.testing.assert_array_equal(values, MAPS)


def test_npy_of_bytes_is_0_to_1(tmp_path: Path) -> None:
    """The released code of DRS stores twenty maps in 256 levels."""
    levels = np.zeros((20, 2, 2), np.uint8)
    levels[14] = [[0, 51], [102, 255]]
    np.save(tmp_path / 'a.npy', levels)
    labels, values = read_npy_maps(tmp_path / 'a.npy', 21)
    assert labels == (14,)
    np.testing.assert_allclose(values, [[[0, 0.2], [0.4, 1]]], rtol=1e-6)


def test_image_without_a_class(tmp_path: Path) -> None:
    np.save(tmp_path / 'a.npy', {'keys': np.zeros(0, 'i8'), 'high_res': np.zeros((0, 3, 4))})
    labels, values = read_npy_maps(tmp_path / 'a.npy', 6)
    assert labels == () and len(values) == 0


@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        ({'keys': [0, 1], 'high_res': MAPS[:1]}, 'maps of shape .1, 3, 4. for 2 classes'),
        ({'keys': [0, 0], 'high_res': MAPS}, r'its classes are \[0, 0\]'),
        ({'keys': [0, 1], 'other': MAPS}, 'none of high_res, cam'),
        ({'a': MAPS[0]}, r"its classes are \['a'\]"),
        ({0: MAPS[0], 5: MAPS[1]}, r'the classes \[0, 5\], but foreground classes are 0..4'),
        ({0: MAPS[0], 1: MAPS[1] * np.nan}, 'no numbers'),
        (np.zeros((4, 3, 3)), r'maps of all classes are \(5, h, w\)'),
        (np.array(None, object), 'holds a NoneType, no maps'),
    ],
)
def test_wrong_npy(tmp_path: Path, content: object, reason: str) -> None:
    np.save(tmp_path / 'a.npy', content)
    with pytest.raises(InputError, match=rf'(?s)a\.npy.*{reason}'):
        read_npy_maps(tmp_path / 'a.npy', 6)


def save_pngs(folder: Path, *names: str) -> None:
    for level, name in enumerate(names, 1):
        Image.fromarray(np.full((2, 3), 51 * level, np.uint8)).save(folder / f'{name}.png')


@pytest.mark.parametrize(
    'names',
    [
        ('2007_000032_cat', '2007_000032_dog', '2007_000033_sea lion'),
        ('2007_000032_0', '2007_000032_2', '2007_000033_1'),
        ('2007_000032_1', '2007_000032_3', '2007_000033_2'),  # the last of three is 3: from 1
    ],
)
def test_class_pngs(tmp_path: Path, names: tuple[str, ...]) -> None:
    save_pngs(tmp_path, *names)
    found = find_class_pngs(tmp_path, CLASSES)
    assert {name: sorted(files) for name, files in found.items()} == {
        '2007_000032': [0, 2],
        '2007_000033': [1],
    }
    labels, values = read_class_pngs(found['2007_000032'])
    assert labels == (0, 2)
    np.testing.assert_allclose(values[:, 0, 0], [0.2, 0.4], rtol=1e-6)


@pytest.mark.parametrize(
    ('names', 'reason'),
    [
        (('a_1', 'a_2'), 'not known whether the numbers start at 0 or 1'),
        (('a_0', 'a_3'), 'numbers 0 to 3, but there are 3 classes'),
        (('a_7',), 'numbers 7 to 7'),
        (('a_cta',), "'cta' is no class.*did you mean 'cat'"),
    ],
)
def test_wrong_class_pngs(tmp_path: Path, names: tuple[str, ...], reason: str) -> None:
    save_pngs(tmp_path, *names)
    with pytest.raises(InputError, match=rf'(?s){reason}'):
        find_class_pngs(tmp_path, CLASSES)


def test_class_pngs_of_two_sizes(tmp_path: Path) -> None:
    save_pngs(tmp_path, 'a_cat')
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / 'a_dog.png')
    with pytest.raises(InputError, match='a_dog.png differs in size from .*a_cat.png'):
        read_class_pngs(find_class_pngs(tmp_path, CLASSES)['a'])
