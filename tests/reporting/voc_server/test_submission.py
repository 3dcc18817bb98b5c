"""Archives for the evaluation server of VOC: what is packed, and every fault that is found."""

import gzip
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError, MissingFileError
from mmdrs.reporting.voc_server import (
    Faults,
    check_submission,
    pack_submission,
    read_sizes,
    read_test_ids,
    submission_faults,
    submission_folder,
    unlisted,
)
from tests.tools.voc_archives import png_bytes, special, write_tar

FOLDER = 'results/VOC2012/Segmentation/comp6_test_cls'
SIZES = {'2008_000001': (4, 6), '2008_000004': (5, 8), '2008_000006': (6, 4)}
"""Height and width of the images."""

FIRST, SECOND, THIRD = SIZES
Files = dict[str, bytes]


def label_of(name: str) -> np.ndarray:
    """A label with three classes, 20 among them."""
    label = np.zeros(SIZES[name], np.uint8)
    label[1:, 1:3] = 1
    label[-1, -1] = 20
    return label


def encoded(picture: Image.Image, kind: str = 'PNG') -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def good_files(folder: str = FOLDER) -> Files:
    """Members of an archive without a fault."""
    return {f'{folder}/{name}.png': png_bytes(label_of(name)) for name in SIZES}


def faults_of(path: Path, files: Files, members: tuple = (), challenge: str = 'comp6') -> Faults:
    write_tar(path, files, members)
    return submission_faults(path, list(SIZES), SIZES, challenge)


def with_first(data: bytes) -> Files:
    return good_files() | {f'{FOLDER}/{FIRST}.png': data}


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """A folder as a test run writes it: grey PNGs."""
    folder = tmp_path / 'predictions'
    folder.mkdir()
    for name in SIZES:
        Image.fromarray(label_of(name)).save(folder / f'{name}.png')
    return folder


class TestPack:
    def test_tree_palette_and_pixels(self, tmp_path: Path, predictions: Path) -> None:
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

    def test_comp5(self, tmp_path: Path, predictions: Path) -> None:
        pack_submission(predictions, tmp_path / 'a.tgz', SIZES, 'comp5')
        with tarfile.open(tmp_path / 'a.tgz') as archive:
            folders = {os.path.dirname(name) for name in archive.getnames()}
        assert folders == {'results/VOC2012/Segmentation/comp5_test_cls'}
        with pytest.raises(InputError, match="comp5 or comp6, got 'comp7'"):
            submission_folder('comp7')

    def test_same_bytes_from_other_modes_order_time_and_name(
        self, tmp_path: Path, predictions: Path, monkeypatch: pytest.MonkeyPatch
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

    def test_one_bit_prediction(self, tmp_path: Path, predictions: Path) -> None:
        Image.fromarray(label_of(FIRST) == 1).save(predictions / f'{FIRST}.png')
        pack_submission(predictions, tmp_path / 'out.tgz', SIZES)
        with tarfile.open(tmp_path / 'out.tgz') as archive:
            packed = Image.open(archive.extractfile(f'{FOLDER}/{FIRST}.png'))
            np.testing.assert_array_equal(np.asarray(packed), label_of(FIRST) == 1)

    def test_progress(self, tmp_path: Path, predictions: Path, capsys) -> None:
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
        self, tmp_path: Path, predictions: Path, picture: Image.Image | None, message: str
    ) -> None:
        (predictions / f'{FIRST}.png').unlink()
        if picture is not None:
            picture.save(predictions / f'{FIRST}.png')
        with pytest.raises(InputError, match=message) as error:
            pack_submission(predictions, tmp_path / 'new' / 'out.tar.gz', SIZES)
        assert str(error.value).startswith(
            f'{predictions}: 1 fault in the predictions of 3 images'
        )
        assert list(tmp_path.iterdir()) == [predictions]

    def test_all_faults_are_counted_and_an_old_archive_stays(
        self, tmp_path: Path, predictions: Path
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
        self, tmp_path: Path, predictions: Path, bits: int
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

    def test_other_errors(self, tmp_path: Path, predictions: Path) -> None:
        with pytest.raises(
            MissingFileError, match='absent: no such folder; it must hold the pred'
        ):
            pack_submission(tmp_path / 'absent', tmp_path / 'out.tgz', SIZES)
        with pytest.raises(InputError, match=r'out\.tar: the archive is a \.tar\.gz'):
            pack_submission(predictions, tmp_path / 'out.tar', SIZES)
        (predictions / f'{FIRST}.png').unlink()
        (predictions / f'{FIRST}.png').mkdir()
        with pytest.raises(InputError, match=rf'unreadable: 1\n    {FIRST}\.png: Is a directory'):
            pack_submission(predictions, tmp_path / 'out.tgz', SIZES)

    def test_unlisted_predictions(self, predictions: Path) -> None:
        assert unlisted(predictions, list(SIZES)) == 0
        assert unlisted(predictions, [FIRST]) == 2


class TestCheck:
    @pytest.mark.parametrize('name', ['a.tar', 'a.tar.gz'])
    def test_good_archive(self, tmp_path: Path, name: str) -> None:
        assert not faults_of(tmp_path / name, good_files())
        check_submission(tmp_path / name, list(SIZES), SIZES)

    @pytest.mark.parametrize('packer', ['w:bz2', 'w:xz'])
    def test_made_by_tar_from_a_folder(self, tmp_path: Path, packer: str) -> None:
        """With its folders, and './' before every name."""
        for name, data in good_files().items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
        with tarfile.open(tmp_path / 'a', packer) as archive:
            archive.add(tmp_path / 'results', './results')
        assert not submission_faults(tmp_path / 'a', list(SIZES), SIZES)

    def test_missing_and_surplus(self, tmp_path: Path) -> None:
        files = good_files()
        del files[f'{FOLDER}/{SECOND}.png']
        files |= {f'{FOLDER}/2007_000027.png': b'', 'results/.DS_Store': b''}
        faults = faults_of(tmp_path / 'a.tar', files)
        assert faults.of('missing images') == [f'{SECOND}.png']
        assert faults.of('images that are not in the list') == [f'{FOLDER}/2007_000027.png']
        assert faults.of('files that do not belong there') == ['results/.DS_Store']
        assert len(faults) == 3

    @pytest.mark.parametrize(
        ('folder', 'remark'),
        [
            ('VOC2012/Segmentation/comp6_test_cls', 'lacks results/'),
            ('Segmentation/comp6_test_cls', 'lacks results/, VOC2012/'),
            ('comp6_test_cls', 'lacks results/, VOC2012/, Segmentation/'),
            ('.', 'lacks results/, VOC2012/, Segmentation/, comp6_test_cls/'),
            ('results/VOC2012/comp6_test_cls', 'lacks Segmentation/'),
            (f'upload/{FOLDER}', 'has upload/ too much'),
            (FOLDER.replace('2012', '2010'), "'VOC2010' instead of 'VOC2012'"),
            (FOLDER.replace('VOC', 'voc_'), "'voc_2012' instead of 'VOC2012'"),
            (FOLDER.replace('Seg', 'seg'), "'segmentation' instead of 'Segmentation'"),
            (FOLDER.replace('test', 'val'), "'comp6_val_cls' instead of 'comp6_test_cls'"),
            (
                FOLDER.replace('6', '5'),
                "'comp5_test_cls' instead of 'comp6_test_cls' (comp5 is for training on data of "
                'VOC alone, comp6 for any other data)',
            ),
            (
                'VOC2011/Segmentation/comp6_test_cls',
                "'VOC2011' instead of 'VOC2012'; lacks results/",
            ),
            (f'results/{FOLDER}', 'a folder is repeated, or the order is another'),
            (
                'labels',
                'lacks results/, VOC2012/, Segmentation/, comp6_test_cls/; has labels/ too',
            ),
        ],
    )
    def test_wrong_tree(self, tmp_path: Path, folder: str, remark: str) -> None:
        faults = faults_of(tmp_path / 'a.tgz', good_files(folder))
        prefix = '' if folder == '.' else f'{folder}/'
        assert faults.of(f'wrong path, {remark}') == [f'{prefix}{name}.png' for name in SIZES]
        assert len(faults) == 3  # they are not missing as well
        with pytest.raises(InputError, match=f'a.tgz: 3 faults\n.*must be {FOLDER}/<id>.png: 3\n'):
            faults.refuse('a.tgz')

    def test_comp6_taken_for_comp5(self, tmp_path: Path) -> None:
        faults = faults_of(tmp_path / 'a.tgz', good_files(), challenge='comp5')
        assert len(faults.of("wrong path, 'comp6_test_cls' instead of 'comp5_test_cls'")) == 3

    def test_wrong_ending(self, tmp_path: Path) -> None:
        files = good_files()
        files[f'{FOLDER}/{FIRST}.PNG'] = files.pop(f'{FOLDER}/{FIRST}.png')
        files[f'{FOLDER}/{SECOND}.jpg'] = encoded(Image.new('RGB', (8, 5)), 'JPEG')
        del files[f'{FOLDER}/{SECOND}.png']
        faults = faults_of(tmp_path / 'a.tgz', files)
        assert faults.of("wrong path, the ending is '.PNG'") == [f'{FOLDER}/{FIRST}.PNG']
        assert faults.of("wrong path, the ending is '.jpg'") == [f'{FOLDER}/{SECOND}.jpg']
        assert faults.of('not a PNG') == [f'{SECOND}.jpg: a JPEG']
        assert len(faults) == 3

    def test_pictures_in_a_wrong_place_are_checked(self, tmp_path: Path) -> None:
        files = good_files('comp6_test_cls')
        files[f'comp6_test_cls/{FIRST}.png'] = encoded(Image.new('L', (6, 4)))
        faults = faults_of(tmp_path / 'a.tgz', files)
        assert faults.of('not a palette PNG') == [f'comp6_test_cls/{FIRST}.png: grey, mode L']

    @pytest.mark.parametrize(
        ('mode', 'name'),
        [('L', 'grey'), ('1', 'grey'), ('LA', 'grey'), ('RGB', 'colours'), ('RGBA', 'colours')],
    )
    def test_not_a_palette_picture(self, tmp_path: Path, mode: str, name: str) -> None:
        faults = faults_of(tmp_path / 'a.tgz', with_first(encoded(Image.new(mode, (6, 4)))))
        assert faults.of('not a palette PNG') == [f'{FIRST}.png: {name}, mode {mode}']
        assert len(faults) == 1

    @pytest.mark.parametrize(
        ('colours', 'line'),
        [
            ([0] * 768, "entry 1 (aeroplane) is 0,0,0, VOC's is 128,0,0"),
            ([0, 0, 0, 128, 0, 0], "entry 2 (bicycle) is missing, VOC's is 0,128,0"),
            ([7] * 768, "entry 0 (background) is 7,7,7, VOC's is 0,0,0"),
        ],
    )
    def test_wrong_palette(self, tmp_path: Path, colours: list[int], line: str) -> None:
        picture = Image.fromarray(label_of(FIRST) % 2)
        picture.putpalette(colours)
        faults = faults_of(tmp_path / 'a.tgz', with_first(encoded(picture)))
        assert faults.of("a palette that is not VOC's") == [f'{FIRST}.png: {line}']
        assert len(faults) == 1

    def test_last_entry_of_the_palette(self, tmp_path: Path) -> None:
        picture = Image.open(io.BytesIO(png_bytes(label_of(FIRST))))
        picture.putpalette([*picture.getpalette()[:-3], 255, 255, 255])
        faults = faults_of(tmp_path / 'a.tgz', with_first(encoded(picture)))
        line = f"{FIRST}.png: entry 255 is 255,255,255, VOC's is 224,224,192"
        assert faults.of('a palette') == [line]

    def test_values_above_20(self, tmp_path: Path) -> None:
        label = label_of(FIRST)
        label[0, :3] = 255, 21, 255
        faults = faults_of(tmp_path / 'a.tgz', with_first(png_bytes(label)))
        assert faults.of('values above 20') == [f'{FIRST}.png: 21, 255']
        many = np.arange(24, dtype=np.uint8).reshape(4, 6) + 20
        faults = faults_of(tmp_path / 'a.tgz', with_first(png_bytes(many)))
        shown = ', '.join(str(value) for value in range(21, 31))
        assert faults.of('values above 20') == [f'{FIRST}.png: {shown} and 13 more']

        grey = encoded(Image.fromarray(label))
        faults = faults_of(tmp_path / 'a.tgz', with_first(grey))
        assert faults.of('values above 20') == [f'{FIRST}.png: 21, 255']
        assert faults.of('not a palette PNG') == [f'{FIRST}.png: grey, mode L']

    def test_wrong_size_and_no_sizes(self, tmp_path: Path) -> None:
        path = tmp_path / 'a.tgz'
        faults = faults_of(path, with_first(png_bytes(label_of(THIRD))))
        assert faults.of('wrong size') == [f'{FIRST}.png: 4 x 6, its image is 6 x 4']
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
    def test_unreadable(
        self, tmp_path: Path, change: Callable[[bytes], bytes], reason: str
    ) -> None:
        data = change(png_bytes(label_of(FIRST)))
        faults = faults_of(tmp_path / 'a.tgz', with_first(data))
        (line,) = faults.of('not a PNG, or unreadable')
        assert line.startswith(f'{FIRST}.png: {reason}')
        assert len(faults) == 1

    def test_picture_that_would_fill_the_memory(self, tmp_path: Path) -> None:
        data = bytearray(png_bytes(label_of(FIRST)))
        data[16:24] = (10**5).to_bytes(4, 'big') * 2
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, 'big')
        faults = faults_of(tmp_path / 'a.tgz', with_first(bytes(data)))
        assert 'decompression bomb' in faults.of('not a PNG, or unreadable')[0]
        faults = faults_of(tmp_path / 'a.tgz', with_first(bytes(2**24 + 1)))
        (line,) = faults.of('not a PNG, or unreadable')
        assert line == f'{FIRST}.png: 16777217 bytes are too many for a label'

    def test_duplicates(self, tmp_path: Path) -> None:
        again = {f'./{FOLDER}/{FIRST}.png': png_bytes(label_of(FIRST))}
        faults = faults_of(tmp_path / 'a.tgz', good_files() | again)
        lines = faults.of('files that are there more than once')
        assert lines == [f'{FOLDER}/{FIRST}.png: 2 times']
        assert len(faults) == 1

    @pytest.mark.parametrize(
        'prefix', ['/', '../', f'{FOLDER}/../../../../../', 'C:/', '..\\'], ids=repr
    )
    def test_members_outside(self, tmp_path: Path, prefix: str) -> None:
        name = f'{prefix}{FOLDER}/{FIRST}.png'
        files = good_files() | {name: png_bytes(label_of(FIRST))}
        faults = faults_of(tmp_path / 'a.tgz', files)
        assert faults.of('paths that lead outside') == [name]
        assert len(faults) == 1
        assert [path.name for path in tmp_path.iterdir()] == ['a.tgz']

    def test_links(self, tmp_path: Path) -> None:
        files = good_files()
        del files[f'{FOLDER}/{FIRST}.png']
        link = special(f'{FOLDER}/{FIRST}.png', tarfile.SYMTYPE, f'{SECOND}.png')
        faults = faults_of(tmp_path / 'a.tgz', files, (link,))
        assert faults.of('links or special files') == [f'{FOLDER}/{FIRST}.png']
        assert len(faults) == 1

    def test_names_that_a_console_cannot_show(self, tmp_path: Path) -> None:
        files = good_files() | {'\x1b[2J.png': b'', f'{FOLDER}/\udcff/{FIRST}.\udcff': b''}
        with pytest.raises(InputError) as caught:
            faults_of(tmp_path / 'a.tgz', files).refuse('a.tgz')
        text = str(caught.value)
        assert r"'\x1b[2J.png'" in text and '\x1b' not in text
        text.encode()

    def test_all_faults_at_once_are_counted_and_ten_are_listed(self, tmp_path: Path) -> None:
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

    def test_zip(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / 'a.tar.gz', 'w') as archive:
            archive.writestr(f'{FOLDER}/{FIRST}.png', b'')
        with pytest.raises(InputError, match='is a zip archive, which the server does not take'):
            submission_faults(tmp_path / 'a.tar.gz', list(SIZES), SIZES)

    @pytest.mark.parametrize(
        'data',
        [b'', b'no archive', gzip.compress(b'no archive' * 99)],
        ids=['empty', 'text', 'gzip'],
    )
    def test_no_archive(self, tmp_path: Path, data: bytes) -> None:
        (tmp_path / 'a.tgz').write_bytes(data)
        with pytest.raises(InputError, match=r'a\.tgz is not a tar archive, or is damaged'):
            submission_faults(tmp_path / 'a.tgz', list(SIZES), SIZES)
        with pytest.raises(MissingFileError, match=r'b\.tgz: no such archive'):
            submission_faults(tmp_path / 'b.tgz', list(SIZES), SIZES)

    @pytest.mark.parametrize('suffix', ['tar', 'tgz'])
    @pytest.mark.parametrize('share', [0.2, 0.6])
    def test_cut_off(self, tmp_path: Path, suffix: str, share: float) -> None:
        path = write_tar(tmp_path / f'a.{suffix}', good_files())
        data = path.read_bytes()
        # Some of a tar is its end: 3 files of a header and two blocks each come before it.
        path.write_bytes(data[: int(share * min(len(data), 3 * 1536)) // 2 * 2 - 1])
        with pytest.raises(InputError, match='damaged or cut off'):
            submission_faults(path, list(SIZES), SIZES)

    def test_cut_off_between_two_files_and_damaged_header(self, tmp_path: Path) -> None:
        path = write_tar(tmp_path / 'a.tar', good_files())
        data = path.read_bytes()
        start = data.index(f'{FOLDER}/{THIRD}'.encode())
        path.write_bytes(data[:start])
        faults = submission_faults(path, list(SIZES), SIZES)
        assert faults.of('missing images') == [f'{THIRD}.png']
        assert faults.of('no end mark, so it may be cut off') == ['a.tar']
        path.write_bytes(data[:start] + b'?' * 99 + data[start + 99 :])
        with pytest.raises(InputError, match=f'no valid header at byte {start}'):
            submission_faults(path, list(SIZES), SIZES)


class TestInputs:
    def test_ids_are_sorted_and_without_suffix(self, tmp_path: Path) -> None:
        path = tmp_path / 'test.txt'
        path.write_text(f'{THIRD}\n{FIRST}.jpg\n\n{SECOND}\n')
        assert read_test_ids(path) == [FIRST, SECOND, THIRD]
        path.write_text(f'{FIRST}\n{FIRST}.jpg\n')
        with pytest.raises(InputError, match=f"'{FIRST}' is there with and without .jpg"):
            read_test_ids(path)
        path.write_text('../x\n')
        with pytest.raises(InputError, match=r"the id '\.\./x' has a folder"):
            read_test_ids(path)

    def test_sizes_of_images(self, tmp_path: Path) -> None:
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
