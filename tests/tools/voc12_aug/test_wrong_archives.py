"""Members and archives that are wrong, unsafe or cut off."""

import hashlib
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest

from mmdrs.errors import InputError, MissingFileError
from tests.tools.voc12_aug.preparing import ANY, TOOL, failing, prepare
from tests.tools.voc_archives import (
    LISTS,
    SBD,
    SIZES,
    TRAIN_AUG,
    VOC,
    contents,
    jpg_bytes,
    mask_of,
    mat_bytes,
    png_bytes,
    sbd_files,
    special,
    voc_files,
    write_archives,
    write_tar,
)


@pytest.mark.parametrize(
    ('archive', 'member', 'data', 'problem'),
    [
        (
            'sbd',
            f'{SBD}/cls/s2.mat',
            mat_bytes(mask_of('s2', 21)),
            r'sbd\.tgz, .*cls/s2\.mat: holds the value 21; masks of VOC hold 0\.\.20 and 255',
        ),
        (
            'sbd',
            f'{SBD}/cls/s3.mat',
            mat_bytes(mask_of('s1', 1)),
            r'cls/s3\.mat: is 8 x 3, its image s3\.jpg is 6 x 7',
        ),
        ('sbd', f'{SBD}/cls/s1.mat', b'no matlab', r's1\.mat: .* is not a readable MATLAB file'),
        (
            'sbd',
            f'{SBD}/cls/s1.mat',
            mat_bytes(np.zeros((3, 8))),
            r's1\.mat: GTcls\.Segmentation is float64 of shape \(3, 8\)',
        ),
        (
            'voc',
            f'{VOC}/SegmentationClass/v1.png',
            png_bytes(mask_of('v1', 200)),
            r'SegmentationClass/v1\.png: holds the value 200',
        ),
        (
            'voc',
            f'{VOC}/SegmentationClass/a1.png',
            png_bytes(mask_of('a1', 1)[:3]),
            r'a1\.png: is 6 x 3, its image a1\.jpg is 6 x 4',
        ),
        (
            'voc',
            f'{VOC}/SegmentationClass/a1.png',
            b'no picture',
            r'SegmentationClass/a1\.png: not a readable mask',
        ),
        (
            'voc',
            f'{VOC}/SegmentationClass/a1.png',
            jpg_bytes(*SIZES['a1']),
            r'SegmentationClass/a1\.png: not a readable mask .*RGB picture',
        ),
        ('voc', f'{VOC}/JPEGImages/a1.jpg', b'broken', r'a1\.jpg is not a readable image'),
        ('voc', f'{LISTS}/val.txt', b'\xff\xfe', r'val\.txt: not a text file'),
        ('voc', f'{LISTS}/train.txt', b'a1\nx1\n../a2\n', '2 of 8 ids of the lists have no image'),
    ],
)
def test_wrong_member(
    tmp_path: Path, archive: str, member: str, data: bytes, problem: str
) -> None:
    files = {'voc': voc_files(), 'sbd': sbd_files()}
    assert member in files[archive]
    files[archive][member] = data
    message = failing(tmp_path, **files, expected=0)
    assert re.search(problem, message), message


@pytest.mark.parametrize(
    ('archive', 'part', 'problem'),
    [
        ('voc', f'{VOC}/SegmentationClass/', 'holds no .*/SegmentationClass; expected'),
        ('voc', f'{VOC}/JPEGImages/', 'holds no .*/JPEGImages; expected'),
        ('voc', f'{VOC}/Annotations/', 'holds no .*Annotations; .*VOCtrainval_11-May'),
        ('voc', f'{LISTS}/', 'holds no .*/Segmentation; expected'),
        ('voc', f'{LISTS}/val.txt', r'holds no .*/val\.txt; .*VOCtrainval_11-May'),
        ('sbd', f'{SBD}/cls/', r'holds no .*/cls; expected .*benchmark\.tgz'),
        ('sbd', f'{SBD}/train.txt', r'holds no .*/train\.txt; expected .*benchmark\.tgz'),
        ('sbd', f'{SBD}/cls/s2.mat', r'1 of 7 ids of the lists have no masks in .*\n  s2'),
        ('voc', f'{VOC}/Annotations/v1', r'1 of 7 ids of the lists have no annotations .*\n  v1'),
        ('voc', f'{VOC}/JPEGImages/s', r'3 of 7 ids of the lists have no images in .*\n  s1\n'),
    ],
)
def test_missing_member(tmp_path: Path, archive: str, part: str, problem: str) -> None:
    files = {'voc': voc_files(), 'sbd': sbd_files()}
    files[archive] = {k: v for k, v in files[archive].items() if not k.startswith(part)}
    message = failing(tmp_path, **files)
    assert re.search(problem, message), message


def test_members_that_lead_outside(tmp_path: Path) -> None:
    message = failing(tmp_path, voc_files(), sbd_files() | {'../../evil': b'x'})
    assert 'sbd.tgz: member' in message and "'../../evil'" in message
    assert contents(tmp_path).keys() == {'sbd.tgz', 'voc.tar'}


@pytest.mark.parametrize(
    'info',
    [
        special('data/../../x', tarfile.REGTYPE),
        special('data/link', tarfile.SYMTYPE, '/etc'),
        special('data/link', tarfile.SYMTYPE, '../../x'),
        special('data/link', tarfile.LNKTYPE, '../x'),
        special('data/tty', tarfile.CHRTYPE),
        special('data/disk', tarfile.BLKTYPE),
        special('data/pipe', tarfile.FIFOTYPE),
    ],
    ids=lambda info: f'{info.name} {info.linkname}',
)
def test_archive_with_an_unsafe_member_is_not_used(tmp_path: Path, info: tarfile.TarInfo) -> None:
    voc = write_tar(tmp_path / 'voc.tar', voc_files(), [info])
    sbd = write_tar(tmp_path / 'sbd.tgz', sbd_files())
    with pytest.raises(InputError, match='is not safe .*; nothing was used') as error:
        prepare(voc, sbd, tmp_path / 'out')
    assert str(error.value).startswith(f"{voc}: member '{info.name}'")
    assert contents(tmp_path).keys() == {'sbd.tgz', 'voc.tar'}


def test_odd_but_harmless_members(tmp_path: Path, made: Path) -> None:
    """Nothing is unpacked but what is used; './' and '//' in names mean nothing."""
    voc = {f'./{name.replace("/", "//")}': data for name, data in voc_files().items()}
    odd = [special(name, tarfile.REGTYPE) for name in ('/etc/passwd', 'a/../x', 'C:\\x', '..\\x')]
    links = [
        special(f'{VOC}/JPEGImages/link', tarfile.SYMTYPE, 'a1.jpg'),
        special(f'{VOC}/JPEGImages/hard', tarfile.LNKTYPE, f'{VOC}/JPEGImages/a1.jpg'),
    ]
    paths = (
        write_tar(tmp_path / 'voc.tar', voc, odd + links),
        write_tar(tmp_path / 'sbd.tgz', sbd_files()),
    )
    prepare(*paths, tmp_path / 'out')
    found, expected = contents(tmp_path / 'out' / 'VOC2012'), contents(made)
    del found['voc12_aug.json'], expected['voc12_aug.json']  # the archives differ
    assert found == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out', 'sbd.tgz', 'voc.tar']


def test_archive_without_end_mark_may_be_cut_off(tmp_path: Path) -> None:
    voc, sbd = write_archives(tmp_path)[:2]
    data = voc.read_bytes()
    voc.write_bytes(data[: data.index(f'{LISTS}/val.txt'.encode())])
    with pytest.raises(InputError, match='holds no .*Class; .* no end mark: it may be cut off'):
        prepare(voc, sbd, tmp_path / 'out')


def test_checksums_of_the_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archives: tuple[Path, Path, Path]
) -> None:
    voc, sbd, _ = archives
    for name, path in (('VOC', voc), ('SBD', sbd)):
        digest = hashlib.md5(path.read_bytes()).hexdigest()
        with pytest.raises(InputError, match='is not .* as published, or is damaged') as error:
            prepare(voc, sbd, tmp_path, any_checksum=False)
        message = str(error.value)
        assert message.startswith(f'{path} is not {TOOL.CONTENTS[name]}')
        assert digest in message and TOOL.PUBLISHED_MD5[name] in message and ANY in message
        assert contents(tmp_path) == {}
        monkeypatch.setitem(TOOL.PUBLISHED_MD5, name, digest)
    assert prepare(voc, sbd, tmp_path, any_checksum=False) == (TRAIN_AUG, True)


@pytest.mark.parametrize('cut', [0, 1])
def test_cut_off_archive(tmp_path: Path, archives: tuple[Path, Path, Path], cut: int) -> None:
    paths = list(archives[:2])
    data = paths[cut].read_bytes()
    paths[cut] = tmp_path / paths[cut].name
    paths[cut].write_bytes(data[: len(data) // 2 + 100])  # not between two blocks of 512
    with pytest.raises(InputError, match=f'{paths[cut]} is not a tar .* cut off'):
        prepare(*paths, tmp_path / 'out')
    assert contents(tmp_path).keys() == {paths[cut].name}


def test_wrong_and_missing_archives(tmp_path: Path, archives: tuple[Path, Path, Path]) -> None:
    voc, sbd, test = archives
    with pytest.raises(InputError, match=r'benchmark\.tgz holds no .*VOCtrainval'):
        prepare(sbd, voc, tmp_path)
    with pytest.raises(InputError, match=r'holds no .*test\.txt; expected .*VOC2012test'):
        prepare(voc, sbd, tmp_path, test=voc)
    with pytest.raises(MissingFileError, match=r'no\.tgz: no such archive; expected .*benchmark'):
        prepare(voc, tmp_path / 'no.tgz', tmp_path)
    assert list(tmp_path.iterdir()) == []
