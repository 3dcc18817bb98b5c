"""Archives that are broken, cut off, or want to write elsewhere."""

import gzip
import tarfile
from pathlib import Path

import pytest

from mmdrs.datasets.preparation.archives import CheckedTar
from mmdrs.errors import InputError, MissingFileError
from tests.datasets.preparation.voc_archives import write_tar

FILES = {'data/b.txt': b'second\n\n third x\n', 'data/a.txt': b'first', 'data/sub/c.txt': b'c'}


def special(name: str, kind: bytes, target: str = '') -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.mark.parametrize('name', ['a.tar', 'a.tgz'])
def test_files_of_a_folder_and_their_content(tmp_path: Path, name: str) -> None:
    with CheckedTar(write_tar(tmp_path / name, FILES), 'an example') as archive:
        assert archive.files_in('data') == {'a.txt': 5, 'b.txt': 17}
        assert archive.read('data/a.txt') == b'first'
        assert archive.read_ids('data/b.txt') == ['second', 'third']
        assert archive.size('data/sub/c.txt') == 1
        # In the order of the archive, whatever was asked for.
        names = ['data/sub/c.txt', 'data/b.txt']
        assert list(archive.read_each(names)) == [
            ('data/b.txt', FILES['data/b.txt']),
            ('data/sub/c.txt', b'c'),
        ]
        with pytest.raises(InputError, match='holds no files in other; expected an example'):
            archive.files_in('other')
        for wrong in ('data', 'data/absent'):
            with pytest.raises(InputError, match=f'holds no file {wrong}; expected an example'):
                list(archive.read_each([wrong]))


def test_names_are_normalised(tmp_path: Path) -> None:
    with CheckedTar(write_tar(tmp_path / 'a.tar', {'./data//a': b'1'}), 'x') as archive:
        assert archive.files_in('data') == {'a': 1}


@pytest.mark.parametrize(
    ('info', 'problem'),
    [
        (special('/etc/passwd', tarfile.REGTYPE), 'a path that leads outside'),
        (special('data/../../x', tarfile.REGTYPE), 'a path that leads outside'),
        (special('data/../x', tarfile.REGTYPE), 'a path that leads outside'),
        (special('C:\\x', tarfile.REGTYPE), 'a path that leads outside'),
        (special('..\\x', tarfile.REGTYPE), 'a path that leads outside'),
        (special('data/link', tarfile.SYMTYPE, '/etc'), "a link that leads outside .* '/etc'"),
        (special('data/link', tarfile.SYMTYPE, '../../x'), 'a link that leads outside'),
        (special('data/link', tarfile.LNKTYPE, '../x'), 'a link that leads outside'),
        (special('data/tty', tarfile.CHRTYPE), 'a device'),
        (special('data/disk', tarfile.BLKTYPE), 'a device'),
        (special('data/pipe', tarfile.FIFOTYPE), 'a device'),
    ],
)
def test_member_that_leads_elsewhere(tmp_path: Path, info: tarfile.TarInfo, problem: str) -> None:
    path = write_tar(tmp_path / 'a.tar', FILES, [info])
    with pytest.raises(InputError, match=problem) as error:
        CheckedTar(path, 'an example')
    assert str(path) in str(error.value) and repr(info.name) in str(error.value)
    assert list(tmp_path.iterdir()) == [path]


def test_links_inside_are_no_files(tmp_path: Path) -> None:
    links = [
        special('data/link', tarfile.SYMTYPE, '../data/a.txt'),
        special('data/hard', tarfile.LNKTYPE, 'data/a.txt'),
    ]
    with CheckedTar(write_tar(tmp_path / 'a.tar', FILES, links), 'x') as archive:
        assert sorted(archive.files_in('data')) == ['a.txt', 'b.txt']


@pytest.mark.parametrize('suffix', ['tar', 'tgz'])
@pytest.mark.parametrize('share', [0.02, 0.3, 0.6, 0.8])
def test_cut_off_archive(tmp_path: Path, suffix: str, share: float) -> None:
    noise = {f'data/{n}': bytes(hash((n, i)) % 256 for i in range(700)) for n in range(9)}
    path = write_tar(tmp_path / f'a.{suffix}', noise)
    data = path.read_bytes()
    # The last blocks of the 9 * (512 + 1024) bytes of a tar are its end.
    path.write_bytes(data[: int(share * min(len(data), 9 * 1536))])
    with pytest.raises(InputError, match='damaged or cut off .*expected an example') as error:
        CheckedTar(path, 'an example')
    assert str(error.value).startswith(str(path))


def test_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / 'a.tar', FILES)
    data = bytearray(path.read_bytes())
    data[1024:1100] = b'?' * 76  # the header of the second member
    path.write_bytes(data)
    with pytest.raises(InputError, match='no valid header at byte 1024'):
        CheckedTar(path, 'x')


def test_archive_without_end_may_be_cut_off_between_two_members(tmp_path: Path) -> None:
    path = write_tar(tmp_path / 'a.tar', FILES)
    path.write_bytes(path.read_bytes()[: 2 * 1024])
    with CheckedTar(path, 'an example') as archive:
        assert sorted(archive.files_in('data')) == ['a.txt', 'b.txt']
        with pytest.raises(InputError, match=r'in data/sub; .* no end mark: it may be cut off'):
            archive.files_in('data/sub')


@pytest.mark.parametrize(
    'data', [b'', b'no archive', gzip.compress(b'no archive' * 99)], ids=['empty', 'text', 'gzip']
)
def test_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / 'a.tgz').write_bytes(data)
    with pytest.raises(InputError, match=r'a\.tgz is not a tar archive'):
        CheckedTar(tmp_path / 'a.tgz', 'x')


def test_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r'b\.tar: no such archive; expected an example'):
        CheckedTar(tmp_path / 'b.tar', 'an example')
