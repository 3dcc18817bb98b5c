"""VOC 2012 with SBD's masks: worked by hand, completed, and beside other files."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError
from mmdrs.pseudo_labels.palette import voc_palette
from tests.tools.voc12_aug.preparing import TOOL, failing, prepare
from tests.tools.voc_archives import (
    CLASS_OF,
    TRAIN_AUG,
    VOC,
    contents,
    mask_of,
    mat_bytes,
    sbd_files,
    voc_files,
    write_tar,
)


def test_files_are_those_of_the_archives(made: Path) -> None:
    expected = {
        name.removeprefix(f'{VOC}/'): data
        for name, data in voc_files().items()
        if '/Main/' not in name and '/SegmentationObject/' not in name
    }
    found = contents(made)
    assert {name: found[name] for name in expected} == expected
    added = {f'SegmentationClassAug/{name}.png' for name in CLASS_OF}
    lists = {'ImageSets/Segmentation/train_aug.txt', 'voc12_aug.json'}
    assert found.keys() - expected.keys() == added | lists


def test_train_aug_is_train_and_sbd_without_val(made: Path) -> None:
    text = (made / 'ImageSets' / 'Segmentation' / 'train_aug.txt').read_text()
    assert text == 'a1\na2\ns1\ns2\ns3\n'


@pytest.mark.parametrize('name', CLASS_OF)
def test_mask_of_voc_wins(made: Path, name: str) -> None:
    with Image.open(made / 'SegmentationClassAug' / f'{name}.png') as mask:
        assert mask.mode == 'P'
        assert mask.getpalette()[: 21 * 3] == np.ravel(voc_palette(21)).tolist()
        np.testing.assert_array_equal(np.asarray(mask), mask_of(name, CLASS_OF[name]))


def test_finished_data_set_is_kept(made: Path, archives: tuple[Path, Path, Path]) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob('*')}
    assert prepare(*archives[:2], made.parent) == (TRAIN_AUG, False)
    assert {path: path.stat().st_mtime_ns for path in made.rglob('*')} == before
    with pytest.raises(InputError, match='was made with 5 images, expected 10582'):
        prepare(*archives[:2], made.parent, expected=TOOL.TRAIN_AUG_SIZE)


def test_removed_files_are_made_again(
    tmp_path: Path, made: Path, archives: tuple[Path, Path, Path]
) -> None:
    prepare(*archives[:2], tmp_path)
    root = tmp_path / 'VOC2012'
    for name in ('JPEGImages/d1.jpg', 'SegmentationClassAug/s2.png'):
        (root / name).unlink()
    (root / 'ImageSets' / 'Segmentation' / 'train_aug.txt').unlink()
    (root / 'ImageSets' / 'Segmentation' / 'mine.txt').write_text('a1\n')
    assert prepare(*archives[:2], tmp_path) == (TRAIN_AUG, True)
    (root / 'ImageSets' / 'Segmentation' / 'mine.txt').unlink()
    (root / 'voc12_aug.json').write_bytes((made / 'voc12_aug.json').read_bytes())
    assert contents(root) == contents(made)


def test_test_archive_now_or_later(tmp_path: Path, archives: tuple[Path, Path, Path]) -> None:
    voc, sbd, test = archives
    now, later = (tmp_path / name / 'VOC2012' for name in ('now', 'later'))
    prepare(voc, sbd, now.parent, test)
    prepare(voc, sbd, later.parent)
    assert not (later / 'JPEGImages' / 't1.jpg').exists()
    assert prepare(voc, sbd, later.parent, test) == (TRAIN_AUG, True)
    assert contents(now) == contents(later)
    assert (now / 'ImageSets' / 'Segmentation' / 'test.txt').read_text() == 't1\n'
    assert (now / 'JPEGImages' / 't1.jpg').exists()
    assert not (now / 'Annotations' / 't1.xml').exists()
    for more in (None, test):
        assert prepare(voc, sbd, later.parent, more) == (TRAIN_AUG, False)


def test_folder_unpacked_by_hand_is_completed(
    tmp_path: Path, made: Path, archives: tuple[Path, Path, Path]
) -> None:
    for name, data in voc_files().items():
        if 'v2' not in name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
    own = tmp_path / VOC / 'JPEGImages' / 'own.jpg'
    own.write_bytes(b'mine')
    before = (tmp_path / VOC / 'JPEGImages' / 'a1.jpg').stat().st_mtime_ns
    prepare(*archives[:2], tmp_path / 'VOCdevkit')
    assert own.read_bytes() == b'mine'
    assert (tmp_path / VOC / 'JPEGImages' / 'a1.jpg').stat().st_mtime_ns == before
    found, expected = contents(tmp_path / VOC), contents(made)
    for name in expected.keys() - {'voc12_aug.json'}:
        assert found[name] == expected[name]


@pytest.mark.parametrize(
    ('name', 'data', 'problem'),
    [
        ('JPEGImages/a1.jpg', b'cut', r'a1\.jpg has 3 bytes, in .*voc\.tar it has \d+; remove it'),
        ('SegmentationClassAug/s1.png', b'x', 'was not made by this tool from these archives'),
        ('ImageSets/Segmentation/train_aug.txt', b'a1\n', 'names other images than these'),
    ],
)
def test_other_files_in_place_are_left_alone(
    tmp_path: Path, archives: tuple[Path, Path, Path], name: str, data: bytes, problem: str
) -> None:
    path = tmp_path / 'VOC2012' / name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(InputError, match=problem):
        prepare(*archives[:2], tmp_path)
    assert contents(tmp_path) == {f'VOC2012/{name}': data}


def test_data_set_of_another_archive(tmp_path: Path, archives: tuple[Path, Path, Path]) -> None:
    prepare(*archives[:2], tmp_path / 'out')
    before = contents(tmp_path / 'out')
    other = write_tar(tmp_path / 'other.tgz', sbd_files() | {'more': os.urandom(500)})
    with pytest.raises(InputError, match='made from another SBD archive .* choose another'):
        prepare(archives[0], other, tmp_path / 'out')
    assert contents(tmp_path / 'out') == before


def test_wrong_number_of_images(tmp_path: Path) -> None:
    message = failing(tmp_path, voc_files(), sbd_files(), expected=10582)
    assert 'train_aug would have 5 images, expected 10582' in message
    assert 'VOC train 2, VOC val 2, SBD train 3, SBD val 2' in message
    assert 'Check that' in message and 'voc.tar' in message and 'sbd.tgz' in message


def test_any_number_of_images(tmp_path: Path, archives: tuple[Path, Path, Path]) -> None:
    assert len(prepare(*archives[:2], tmp_path, expected=0)[0]) == 5


def test_mask_of_sbd_where_voc_has_none(tmp_path: Path) -> None:
    voc = voc_files()
    del voc[f'{VOC}/SegmentationClass/a1.png']
    paths = write_tar(tmp_path / 'voc.tar', voc), write_tar(tmp_path / 'sbd.tgz', sbd_files())
    prepare(*paths, tmp_path)
    found = np.asarray(Image.open(tmp_path / 'VOC2012' / 'SegmentationClassAug' / 'a1.png'))
    np.testing.assert_array_equal(found, mask_of('a1', 9))


def test_sbd_mask_values(tmp_path: Path) -> None:
    mask = np.array([[0, 20], [255, 3]], np.uint8)
    (tmp_path / 'x.mat').write_bytes(mat_bytes(mask))
    np.testing.assert_array_equal(TOOL.read_sbd_mask(tmp_path / 'x.mat', 'x'), mask)
