"""Whatever is wrong with a file, the error names it."""

import os
from pathlib import Path

import pytest

from mmdrs.errors import InputError, MissingFileError, naming
from mmdrs.reading import read_json, read_text, read_yaml, reading
from tests.fuzz.limits import limits


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'a.json'


def test_any_error_becomes_one_line_with_the_name(path: Path) -> None:
    path.touch()
    with pytest.raises(InputError) as error, reading(path, 'image'):
        raise RuntimeError('\x1b[2J' + 'x' * 999 + '\nmore')
    shown = r'\x1b[2J' + 'x' * 193
    assert str(error.value) == f'{path} is not a readable image ({shown}...)'
    with pytest.raises(InputError) as error, reading(path, 'state', 'remove it'):
        raise EOFError
    assert str(error.value) == f'{path} is damaged or no state (EOFError); remove it'


def test_errors_that_say_it_all_pass(path: Path) -> None:
    path.touch()
    with pytest.raises(InputError, match='^mine$'), reading(path, 'image'):
        raise InputError('mine')
    with pytest.raises(KeyboardInterrupt), reading(path, 'image'):
        raise KeyboardInterrupt


def test_what_is_no_regular_file_is_not_opened(path: Path) -> None:
    with pytest.raises(MissingFileError, match='there is no list .*a.json'):
        read_text(path, 'list')
    path.symlink_to(path.name)
    with pytest.raises(MissingFileError, match='there is no list'):
        read_text(path, 'list')
    path.unlink()
    os.mkfifo(path)
    with limits(seconds=5), pytest.raises(InputError, match='is a folder, a pipe or a device'):
        read_text(path, 'list')
    with pytest.raises(InputError, match="'/dev/zero' is a folder, a pipe or a device, no list"):
        read_text('/dev/zero', 'list')


@pytest.mark.parametrize('text', ['[NaN]', '{"a": -Infinity}', '', '[' * 99_999, '[1', '\udcff'])
def test_what_is_no_json(path: Path, text: str) -> None:
    path.write_text(text, errors='surrogateescape')
    with pytest.raises(InputError, match=r'a\.json is not a readable record'):
        read_json(path, 'record')


def test_byte_order_mark(path: Path) -> None:
    path.write_bytes(b'\xef\xbb\xbf[1, "a"]')
    assert read_json(path, 'record') == read_yaml(path, 'record') == [1, 'a']


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('a: &a {b: 1}\nc: *a', r'references such as \*a are not allowed'),
        ('a: !!python/name:os.system', 'could not determine a constructor'),
        ('{[]: 1}', ''),
        ('[' * 9999, ''),
    ],
)
def test_yaml_of_more_than_plain_values(path: Path, text: str, reason: str) -> None:
    path.write_text(text)
    with pytest.raises(InputError, match=rf'a\.json is not a readable table \(.*{reason}'):
        read_yaml(path, 'table')


def test_naming_keeps_the_type() -> None:
    with pytest.raises(MissingFileError, match='^a.png: gone$'), naming('a.png'):
        raise MissingFileError('gone')
    with pytest.raises(OSError, match='^other$'), naming('a.png'):
        raise OSError('other')
