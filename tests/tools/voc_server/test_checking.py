"""Every fault of an archive for the evaluation server of VOC."""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError, MissingFileError
from tests.tools.voc_archives import png_bytes, special, write_tar
from tests.tools.voc_server.submissions import (
    FIRST,
    FOLDER,
    SECOND,
    SIZES,
    THIRD,
    Files,
    encoded,
    good_files,
    label_of,
)
from voc_server.checking import check_submission, submission_faults
from voc_server.faults import Faults, refuse


def faults_of(path: Path, files: Files, members: tuple = (), challenge: str = 'comp6') -> Faults:
    write_tar(path, files, members)
    return submission_faults(path, list(SIZES), SIZES, challenge)


def with_first(data: bytes) -> Files:
    return good_files() | {f'{FOLDER}/{FIRST}.png': data}


def count(faults: Faults) -> int:
    return sum(map(len, faults.values()))


def faults_in(faults: Faults, start: str) -> list[str]:
    """The lines of the kinds whose heading starts with ``start``."""
    return [line for kind, lines in faults.items() if kind.startswith(start) for line in lines]


@pytest.mark.parametrize('name', ['a.tar', 'a.tar.gz'])
def test_good_archive(tmp_path: Path, name: str) -> None:
    assert not faults_of(tmp_path / name, good_files())
    check_submission(tmp_path / name, list(SIZES), SIZES)


@pytest.mark.parametrize('packer', ['w:bz2', 'w:xz'])
def test_made_by_tar_from_a_folder(tmp_path: Path, packer: str) -> None:
    """With its folders, and './' before every name."""
    for name, data in good_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    with tarfile.open(tmp_path / 'a', packer) as archive:
        archive.add(tmp_path / 'results', './results')
    assert not submission_faults(tmp_path / 'a', list(SIZES), SIZES)


def test_missing_and_surplus(tmp_path: Path) -> None:
    files = good_files()
    del files[f'{FOLDER}/{SECOND}.png']
    files |= {f'{FOLDER}/2007_000027.png': b'', 'results/.DS_Store': b''}
    faults = faults_of(tmp_path / 'a.tar', files)
    assert faults_in(faults, 'missing images') == [f'{SECOND}.png']
    assert faults_in(faults, 'images that are not in the list') == [f'{FOLDER}/2007_000027.png']
    assert faults_in(faults, 'files that do not belong there') == ['results/.DS_Store']
    assert count(faults) == 3


@pytest.mark.parametrize(
    'folder',
    [
        'VOC2012/Segmentation/comp6_test_cls',
        'comp6_test_cls',
        '.',
        f'upload/{FOLDER}',
        f'results/{FOLDER}',
        FOLDER.replace('2012', '2010'),
        FOLDER.replace('Seg', 'seg'),
        FOLDER.replace('test', 'val'),
    ],
)
def test_wrong_tree(tmp_path: Path, folder: str) -> None:
    faults = faults_of(tmp_path / 'a.tgz', good_files(folder))
    prefix = '' if folder == '.' else f'{folder}/'
    lines = faults_in(faults, f'wrong path, it must be {FOLDER}/<id>.png')
    assert lines == [f'{prefix}{name}.png' for name in SIZES]
    assert count(faults) == 3  # they are not missing as well
    with pytest.raises(InputError, match=f'a.tgz: 3 faults\n.*must be {FOLDER}/<id>.png: 3\n'):
        refuse(faults, 'a.tgz')


def test_comp6_taken_for_comp5(tmp_path: Path) -> None:
    faults = faults_of(tmp_path / 'a.tgz', good_files(), challenge='comp5')
    lines = faults_in(faults, 'made for comp6; give --challenge comp6, or pack it anew')
    assert len(lines) == count(faults) == 3


def test_wrong_ending(tmp_path: Path) -> None:
    files = good_files()
    files[f'{FOLDER}/{FIRST}.PNG'] = files.pop(f'{FOLDER}/{FIRST}.png')
    files[f'{FOLDER}/{SECOND}.jpg'] = encoded(Image.new('RGB', (8, 5)), 'JPEG')
    del files[f'{FOLDER}/{SECOND}.png']
    faults = faults_of(tmp_path / 'a.tgz', files)
    wrong_paths = faults_in(faults, 'wrong path')
    assert wrong_paths[:1] == [f'{FOLDER}/{FIRST}.PNG']
    assert wrong_paths[1:] == [f'{FOLDER}/{SECOND}.jpg']
    assert faults_in(faults, 'not a PNG') == [f'{SECOND}.jpg: a JPEG']
    assert count(faults) == 3


def test_pictures_in_a_wrong_place_are_checked(tmp_path: Path) -> None:
    files = good_files('comp6_test_cls')
    files[f'comp6_test_cls/{FIRST}.png'] = encoded(Image.new('L', (6, 4)))
    faults = faults_of(tmp_path / 'a.tgz', files)
    assert faults_in(faults, 'not a palette PNG') == [f'comp6_test_cls/{FIRST}.png: grey, mode L']


@pytest.mark.parametrize(
    ('mode', 'name'),
    [('L', 'grey'), ('1', 'grey'), ('LA', 'grey'), ('RGB', 'colours'), ('RGBA', 'colours')],
)
def test_not_a_palette_picture(tmp_path: Path, mode: str, name: str) -> None:
    faults = faults_of(tmp_path / 'a.tgz', with_first(encoded(Image.new(mode, (6, 4)))))
    assert faults_in(faults, 'not a palette PNG') == [f'{FIRST}.png: {name}, mode {mode}']
    assert count(faults) == 1


@pytest.mark.parametrize(
    ('colours', 'line'),
    [
        ([0] * 768, "entry 1 (aeroplane) is 0,0,0, VOC's is 128,0,0"),
        ([0, 0, 0, 128, 0, 0], "entry 2 (bicycle) is missing, VOC's is 0,128,0"),
        ([7] * 768, "entry 0 (background) is 7,7,7, VOC's is 0,0,0"),
    ],
)
def test_wrong_palette(tmp_path: Path, colours: list[int], line: str) -> None:
    picture = Image.fromarray(label_of(FIRST) % 2)
    picture.putpalette(colours)
    faults = faults_of(tmp_path / 'a.tgz', with_first(encoded(picture)))
    assert faults_in(faults, "a palette that is not VOC's") == [f'{FIRST}.png: {line}']
    assert count(faults) == 1


def test_last_entry_of_the_palette(tmp_path: Path) -> None:
    picture = Image.open(io.BytesIO(png_bytes(label_of(FIRST))))
    picture.putpalette([*picture.getpalette()[:-3], 255, 255, 255])
    faults = faults_of(tmp_path / 'a.tgz', with_first(encoded(picture)))
    line = f"{FIRST}.png: entry 255 is 255,255,255, VOC's is 224,224,192"
    assert faults_in(faults, 'a palette') == [line]


def test_values_above_20(tmp_path: Path) -> None:
    label = label_of(FIRST)
    label[0, :3] = 255, 21, 255
    faults = faults_of(tmp_path / 'a.tgz', with_first(png_bytes(label)))
    assert faults_in(faults, 'values above 20') == [f'{FIRST}.png: 21, 255']
    many = np.arange(24, dtype=np.uint8).reshape(4, 6) + 20
    faults = faults_of(tmp_path / 'a.tgz', with_first(png_bytes(many)))
    shown = ', '.join(str(value) for value in range(21, 31))
    assert faults_in(faults, 'values above 20') == [f'{FIRST}.png: {shown} and 13 more']

    grey = encoded(Image.fromarray(label))
    faults = faults_of(tmp_path / 'a.tgz', with_first(grey))
    assert faults_in(faults, 'values above 20') == [f'{FIRST}.png: 21, 255']
    assert faults_in(faults, 'not a palette PNG') == [f'{FIRST}.png: grey, mode L']


def test_wrong_size_and_no_sizes(tmp_path: Path) -> None:
    path = tmp_path / 'a.tgz'
    faults = faults_of(path, with_first(png_bytes(label_of(THIRD))))
    assert faults_in(faults, 'wrong size') == [f'{FIRST}.png: 4 x 6, its image is 6 x 4']
    assert not submission_faults(path, list(SIZES), None)
    with pytest.raises(InputError, match=r'1 fault \(sizes of images were not checked\)\n'):
        check_submission(path, [*SIZES, '2008_999999'])


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (lambda data: b'', 'no PNG'),
        (lambda data: b'GIF89a', 'no PNG'),
        (lambda data: data[:20], ''),
        (lambda data: data[:-30], ''),
        (lambda data: data[:60] + b'????' + data[64:], ''),
    ],
    ids=['empty', 'gif', 'header', 'cut', 'damaged'],
)
def test_unreadable(tmp_path: Path, change: Callable[[bytes], bytes], reason: str) -> None:
    data = change(png_bytes(label_of(FIRST)))
    faults = faults_of(tmp_path / 'a.tgz', with_first(data))
    (line,) = faults_in(faults, 'not a PNG, or unreadable')
    assert line.startswith(f'{FIRST}.png: {reason}')
    assert count(faults) == 1


def test_picture_that_would_fill_the_memory(tmp_path: Path) -> None:
    data = bytearray(png_bytes(label_of(FIRST)))
    data[16:24] = (10**5).to_bytes(4, 'big') * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, 'big')
    faults = faults_of(tmp_path / 'a.tgz', with_first(bytes(data)))
    assert 'decompression bomb' in faults_in(faults, 'not a PNG, or unreadable')[0]
    faults = faults_of(tmp_path / 'a.tgz', with_first(bytes(2**24 + 1)))
    (line,) = faults_in(faults, 'not a PNG, or unreadable')
    assert line == f'{FIRST}.png: 16777217 bytes are too many for a label'


def test_duplicates(tmp_path: Path) -> None:
    again = {f'./{FOLDER}/{FIRST}.png': png_bytes(label_of(FIRST))}
    faults = faults_of(tmp_path / 'a.tgz', good_files() | again)
    lines = faults_in(faults, 'files that are there more than once')
    assert lines == [f'{FOLDER}/{FIRST}.png: 2 times']
    assert count(faults) == 1


@pytest.mark.parametrize(
    'prefix', ['/', '../', f'{FOLDER}/../../../../../', 'C:/', '..\\'], ids=repr
)
def test_members_outside(tmp_path: Path, prefix: str) -> None:
    name = f'{prefix}{FOLDER}/{FIRST}.png'
    files = good_files() | {name: png_bytes(label_of(FIRST))}
    faults = faults_of(tmp_path / 'a.tgz', files)
    assert faults_in(faults, 'paths that lead outside') == [name]
    assert count(faults) == 1
    assert [path.name for path in tmp_path.iterdir()] == ['a.tgz']


def test_links(tmp_path: Path) -> None:
    files = good_files()
    del files[f'{FOLDER}/{FIRST}.png']
    link = special(f'{FOLDER}/{FIRST}.png', tarfile.SYMTYPE, f'{SECOND}.png')
    faults = faults_of(tmp_path / 'a.tgz', files, (link,))
    assert faults_in(faults, 'links or special files') == [f'{FOLDER}/{FIRST}.png']
    assert count(faults) == 1


def test_names_that_a_console_cannot_show(tmp_path: Path) -> None:
    files = good_files() | {'\x1b[2J.png': b'', f'{FOLDER}/\udcff/{FIRST}.\udcff': b''}
    with pytest.raises(InputError) as caught:
        refuse(faults_of(tmp_path / 'a.tgz', files), 'a.tgz')
    text = str(caught.value)
    assert r"'\x1b[2J.png'" in text and '\x1b' not in text
    text.encode()


def test_all_faults_at_once_are_counted_and_ten_are_listed(tmp_path: Path) -> None:
    ids = [f'2009_{number:06d}' for number in range(12)]
    label = np.full((2, 2), 255, np.uint8)
    names = reversed(ids[1:])  # the order of the archive is not that of the list
    write_tar(tmp_path / 'a.tgz', {f'{FOLDER}/{name}.png': png_bytes(label) for name in names})
    sizes = dict.fromkeys(ids, (2, 3))
    with pytest.raises(InputError) as error:
        check_submission(tmp_path / 'a.tgz', ids, sizes)
    lines = str(error.value).splitlines()
    assert lines[:3] == [
        f'{tmp_path / "a.tgz"}: 23 faults',
        '  missing images: 1',
        '    2009_000000.png',
    ]
    assert lines[3].startswith('  values above 20') and lines[3].endswith(': 11')
    assert lines[4:14] == [f'    {name}.png: 255' for name in ids[1:11]]
    assert lines[14:16] == ['    ... and 1 more', '  wrong size (width x height): 11']


def test_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / 'a.tar.gz', 'w') as archive:
        archive.writestr(f'{FOLDER}/{FIRST}.png', b'')
    with pytest.raises(InputError, match='is a zip archive, which the server does not take'):
        submission_faults(tmp_path / 'a.tar.gz', list(SIZES), SIZES)


@pytest.mark.parametrize(
    'data',
    [b'', b'no archive', gzip.compress(b'no archive' * 99)],
    ids=['empty', 'text', 'gzip'],
)
def test_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / 'a.tgz').write_bytes(data)
    with pytest.raises(InputError, match=r'a\.tgz is not a tar archive, or is damaged'):
        submission_faults(tmp_path / 'a.tgz', list(SIZES), SIZES)
    with pytest.raises(MissingFileError, match=r'b\.tgz: no such archive'):
        submission_faults(tmp_path / 'b.tgz', list(SIZES), SIZES)


@pytest.mark.parametrize('suffix', ['tar', 'tgz'])
@pytest.mark.parametrize('share', [0.2, 0.6])
def test_cut_off(tmp_path: Path, suffix: str, share: float) -> None:
    path = write_tar(tmp_path / f'a.{suffix}', good_files())
    data = path.read_bytes()
    # Some of a tar is its end: 3 files of a header and two blocks each come before it.
    path.write_bytes(data[: int(share * min(len(data), 3 * 1536)) // 2 * 2 - 1])
    with pytest.raises(InputError, match='damaged or cut off'):
        submission_faults(path, list(SIZES), SIZES)


def test_cut_off_between_two_files_and_damaged_header(tmp_path: Path) -> None:
    path = write_tar(tmp_path / 'a.tar', good_files())
    data = path.read_bytes()
    start = data.index(f'{FOLDER}/{THIRD}'.encode())
    path.write_bytes(data[:start])
    faults = submission_faults(path, list(SIZES), SIZES)
    assert faults_in(faults, 'missing images') == [f'{THIRD}.png']
    assert faults_in(faults, 'no end mark, so it may be cut off') == ['a.tar']
    path.write_bytes(data[:start] + b'?' * 99 + data[start + 99 :])
    with pytest.raises(InputError, match=f'no valid header at byte {start}'):
        submission_faults(path, list(SIZES), SIZES)
