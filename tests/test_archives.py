"""Archives that are broken or cut off."""

import gzip
import random
import tarfile
from pathlib import Path

import pytest

from mmdrs.archives import archive_members, reading_archive
from mmdrs.errors import InputError
from tests.tools.voc_archives import write_tar

FILES = {'data/b.txt': b'second', 'data/a.txt': b'first', 'data/sub/c.txt': b'c'}


def members(path: Path) -> tuple[list[str], bool]:
    with reading_archive(path, '; expected an example'), tarfile.open(path) as tar:
        found, has_end = archive_members(tar)
        return [info.name for info in found], has_end


@pytest.mark.parametrize('name', ['a.tar', 'a.tgz'])
def test_members_in_the_order_of_the_archive(tmp_path: Path, name: str) -> None:
    assert members(write_tar(tmp_path / name, FILES)) == (list(FILES), True)


@pytest.mark.parametrize('suffix', ['tar', 'tgz'])
@pytest.mark.parametrize('share', [0.02, 0.3, 0.6, 0.8])
def test_cut_off(tmp_path: Path, suffix: str, share: float) -> None:
    noise = {f'data/{n}': random.Random(n).randbytes(700) for n in range(9)}
    path = write_tar(tmp_path / f'a.{suffix}', noise)
    data = path.read_bytes()
    # The last blocks of the 9 * (512 + 1024) bytes of a tar are its end.
    path.write_bytes(data[: int(share * min(len(data), 9 * 1536))])
    with pytest.raises(
        InputError, match=r'damaged or cut off \(.*\); expected an example$'
    ) as error:
        members(path)
    assert str(error.value).startswith(str(path))


def test_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    path = write_tar(tmp_path / 'a.tar', FILES)
    data = bytearray(path.read_bytes())
    data[1024:1100] = b'?' * 76  # the header of the second member
    path.write_bytes(data)
    with pytest.raises(InputError, match='no valid header at byte 1024'):
        members(path)


def test_end_mark(tmp_path: Path) -> None:
    path = write_tar(tmp_path / 'a.tar', FILES)
    path.write_bytes(path.read_bytes()[: 2 * 1024])  # between two members
    assert members(path) == (['data/b.txt', 'data/a.txt'], False)


@pytest.mark.parametrize(
    'data', [b'', b'no archive', gzip.compress(b'no archive' * 99)], ids=['empty', 'text', 'gzip']
)
def test_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / 'a.tgz').write_bytes(data)
    with pytest.raises(InputError, match=r'a\.tgz is not a tar archive'):
        members(tmp_path / 'a.tgz')


def test_reason_is_one_printable_line(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error, reading_archive(tmp_path / 'a'):
        raise tarfile.ReadError('\x1b[2J\nmore')
    assert str(error.value).endswith(r"cut off ('\x1b[2J')")


@pytest.mark.parametrize('error', [OSError(28, 'No space left'), InputError('a member')])
def test_other_errors_pass(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as raised, reading_archive(tmp_path / 'a'):
        raise error
    assert raised.value is error
