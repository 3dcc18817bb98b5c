"""Packing predictions for the evaluation server of VOC."""

import io
import os
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError, MissingFileError
from tests.tools.voc_server.submissions import (
    FIRST,
    FOLDER,
    SECOND,
    SIZES,
    THIRD,
    encoded,
    label_of,
)
from voc_server.faults import submission_folder
from voc_server.packing import pack_submission, read_sizes, read_test_ids, unlisted


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """A folder as a test run writes it: grey PNGs."""
    folder = tmp_path / 'predictions'
    folder.mkdir()
    for name in SIZES:
        Image.fromarray(label_of(name)).save(folder / f'{name}.png')
    return folder


def test_tree_palette_and_pixels(tmp_path: Path, predictions: Path) -> None:
    pack_submission(predictions, tmp_path / 'new' / 'out.tar.gz', SIZES)
    with tarfile.open(tmp_path / 'new' / 'out.tar.gz', 'r:gz') as archive:
        assert archive.getnames() == [f'{FOLDER}/{name}.png' for name in sorted(SIZES)]
        for name, info in zip(sorted(SIZES), archive.getmembers(), strict=True):
            assert (info.uid, info.gid, info.uname, info.gname) == (0, 0, '', '')
            assert (info.mode, info.type) == (0o644, tarfile.REGTYPE)
            data = archive.extractfile(info).read()
            picture = Image.open(io.BytesIO(data))
            assert picture.mode == 'P' and picture.size == SIZES[name][::-1]
            np.testing.assert_array_equal(np.asarray(picture), label_of(name))
            palette = picture.getpalette()
            assert len(palette) == 3 * 256
            for entry, colour in ((0, [0, 0, 0]), (1, [128, 0, 0]), (255, [224, 224, 192])):
                assert palette[3 * entry : 3 * entry + 3] == colour
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['out.tar.gz']


def test_comp5(tmp_path: Path, predictions: Path) -> None:
    pack_submission(predictions, tmp_path / 'a.tgz', SIZES, 'comp5')
    with tarfile.open(tmp_path / 'a.tgz') as archive:
        folders = {os.path.dirname(name) for name in archive.getnames()}
    assert folders == {'results/VOC2012/Segmentation/comp5_test_cls'}
    with pytest.raises(InputError, match="comp5 or comp6, got 'comp7'"):
        submission_folder('comp7')


def test_same_bytes_from_other_modes_order_time_and_name(
    tmp_path: Path, predictions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / 'first.tar.gz', tmp_path / 'second.tgz'
    pack_submission(predictions, first, SIZES)
    other = tmp_path / 'other'
    other.mkdir()
    for number, name in enumerate(reversed(SIZES)):
        picture = Image.fromarray(label_of(name).astype((np.uint8, np.uint16)[number % 2]))
        if number == 0:
            picture.putpalette([9] * 768)
        picture.save(other / f'{name}.png', compress_level=1)
        os.utime(other / f'{name}.png', (1, 1))
    monkeypatch.setattr('time.time', lambda: 2e9)
    pack_submission(other, second, dict(reversed(SIZES.items())))
    assert first.read_bytes() == second.read_bytes()
    # Of the gzip header: no flag, so no name, and no time.
    assert first.read_bytes()[:8] == b'\x1f\x8b\x08\x00' + bytes(4)


def test_one_bit_prediction(tmp_path: Path, predictions: Path) -> None:
    Image.fromarray(label_of(FIRST) == 1).save(predictions / f'{FIRST}.png')
    pack_submission(predictions, tmp_path / 'out.tgz', SIZES)
    with tarfile.open(tmp_path / 'out.tgz') as archive:
        packed = Image.open(archive.extractfile(f'{FOLDER}/{FIRST}.png'))
        np.testing.assert_array_equal(np.asarray(packed), label_of(FIRST) == 1)


def test_progress(tmp_path: Path, predictions: Path, capsys) -> None:
    pack_submission(predictions, tmp_path / 'out.tgz', SIZES, 'comp6')
    lines = capsys.readouterr().out.splitlines()
    assert [line.split('  left')[0] for line in lines] == ['  pack: 3/3', '  check: 3/3']


@pytest.mark.parametrize(
    ('picture', 'message'),
    [
        (None, rf'missing predictions: 1\n    {FIRST}\.png'),
        (Image.new('L', (4, 6)), rf'{FIRST}\.png: 4 x 6, its image is 6 x 4'),
        (Image.new('L', (6, 4), 21), rf'values above 20 .*: 1\n    {FIRST}\.png: 21'),
        (Image.new('L', (6, 4), 255), rf'values above 20 .*: 1\n    {FIRST}\.png: 255'),
        (Image.new('I;16', (6, 4), 300), rf'{FIRST}\.png: 300'),
        (Image.new('RGB', (6, 4)), rf'in colour .*: 1\n    {FIRST}\.png: mode RGB'),
        (Image.new('RGBA', (6, 4)), rf'in colour .*: 1\n    {FIRST}\.png: mode RGBA'),
    ],
    ids=['missing', 'size', '21', '255', '300', 'RGB', 'RGBA'],
)
def test_fault_writes_nothing(
    tmp_path: Path, predictions: Path, picture: Image.Image | None, message: str
) -> None:
    (predictions / f'{FIRST}.png').unlink()
    if picture is not None:
        picture.save(predictions / f'{FIRST}.png')
    with pytest.raises(InputError, match=message) as error:
        pack_submission(predictions, tmp_path / 'new' / 'out.tar.gz', SIZES)
    assert str(error.value).startswith(f'{predictions}: 1 fault in the predictions of 3 images')
    assert list(tmp_path.iterdir()) == [predictions]


def test_all_faults_are_counted_and_an_old_archive_stays(
    tmp_path: Path, predictions: Path
) -> None:
    out = tmp_path / 'out.tar.gz'
    out.write_bytes(b'old')
    (predictions / f'{FIRST}.png').unlink()
    Image.new('L', (9, 9), 255).save(predictions / f'{SECOND}.png')
    (predictions / f'{THIRD}.png').write_bytes(b'no picture')
    with pytest.raises(InputError) as error:
        pack_submission(predictions, out, SIZES)
    assert str(error.value).splitlines() == [
        f'{predictions}: 4 faults in the predictions of 3 images; nothing was written',
        '  missing predictions: 1',
        f'    {FIRST}.png',
        '  values above 20 (the server wants a class for every pixel, 255 is none): 1',
        f'    {SECOND}.png: 255',
        '  wrong size (width x height): 1',
        f'    {SECOND}.png: 9 x 9, its image is 8 x 5',
        '  not a PNG, or unreadable: 1',
        f'    {THIRD}.png: no PNG',
    ]
    assert out.read_bytes() == b'old'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['out.tar.gz', 'predictions']


@pytest.mark.parametrize('bits', [2, 4])
def test_grey_of_few_bits_would_change_classes(
    tmp_path: Path, predictions: Path, bits: int
) -> None:
    # A palette PNG made grey: Pillow writes no grey ones with few bits.
    palette = Image.fromarray(label_of(FIRST) % 2)
    palette.putpalette([0] * 3 * 2**bits)
    data = bytearray(encoded(palette))
    assert data[24] == bits
    data[25] = 0  # colour type: grey
    del data[data.index(b'PLTE') - 4 : data.index(b'IDAT') - 4]
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, 'big')
    (predictions / f'{FIRST}.png').write_bytes(data)
    with pytest.raises(InputError, match=rf'2 or 4 bits.*: 1\n    {FIRST}\.png: {bits} bits'):
        pack_submission(predictions, tmp_path / 'out.tgz', SIZES)


def test_other_errors(tmp_path: Path, predictions: Path) -> None:
    with pytest.raises(MissingFileError, match='absent: no such folder; it must hold the pred'):
        pack_submission(tmp_path / 'absent', tmp_path / 'out.tgz', SIZES)
    with pytest.raises(InputError, match=r'out\.tar: the archive is a \.tar\.gz'):
        pack_submission(predictions, tmp_path / 'out.tar', SIZES)
    (predictions / f'{FIRST}.png').unlink()
    (predictions / f'{FIRST}.png').mkdir()
    with pytest.raises(InputError, match=rf'unreadable: 1\n    .*{FIRST}\.png. is a folder'):
        pack_submission(predictions, tmp_path / 'out.tgz', SIZES)


def test_unlisted_predictions(predictions: Path) -> None:
    assert unlisted(predictions, list(SIZES)) == 0
    assert unlisted(predictions, [FIRST]) == 2


def test_ids_are_sorted_and_without_suffix(tmp_path: Path) -> None:
    path = tmp_path / 'test.txt'
    path.write_text(f'{THIRD}\n{FIRST}.jpg\n\n{SECOND}\n')
    assert read_test_ids(path) == [FIRST, SECOND, THIRD]
    path.write_text(f'{FIRST}\n{FIRST}.jpg\n')
    with pytest.raises(InputError, match=f"'{FIRST}' is there with and without .jpg"):
        read_test_ids(path)
    path.write_text('../x\n')
    with pytest.raises(InputError, match=r"the id '\.\./x' has a folder"):
        read_test_ids(path)


def test_sizes_of_images(tmp_path: Path) -> None:
    for name, (height, width) in SIZES.items():
        Image.new('RGB', (width, height)).save(tmp_path / f'{name}.jpg')
    assert read_sizes(tmp_path, list(SIZES)) == SIZES
    with pytest.raises(
        MissingFileError,
        match=r'2 of 5 files are missing:\n .*a\.jpg\n .*b\.jpg\nTest images are in',
    ):
        read_sizes(tmp_path, ['a', *SIZES, 'b'])
    (tmp_path / f'{FIRST}.jpg').write_bytes(b'')
    with pytest.raises(InputError, match=rf'{FIRST}\.jpg is not a readable'):
        read_sizes(tmp_path, list(SIZES))
    with pytest.raises(MissingFileError, match='absent: no such folder; it must hold the ima'):
        read_sizes(tmp_path / 'absent', list(SIZES))
