"""The one hash of values and of files."""

import os
from pathlib import Path

import pytest

from mmdrs import files

SHA_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
SHA_ABD = 'a52d159f262b2c6ddb724a61840befc36eb30c88877a4030b65cbe86298449c9'


def test_digest_of_values() -> None:
    """SHA-256 of `{"a": 1, "b": [1, 2]}`."""
    expected = 'e6f20bdc3757e5e7be4e316deff4196f19cf5954ffc76b1896228680fcdef66c'
    assert files.digest(dict(b=(1, 2), a=1)) == expected == files.digest(dict(a=1, b=[1, 2]))
    assert files.digest(dict(a=Path('x'))) == files.digest(dict(a='x')) != expected


def test_digest_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the content, `abc`; a file is read again when it was changed."""
    path = tmp_path / 'a'
    path.write_bytes(b'abc')
    assert files.file_digest(path) == SHA_ABC
    monkeypatch.setattr(files.hashlib, 'sha256', None)
    assert files.file_digest(path) == SHA_ABC  # not read again
    monkeypatch.undo()
    path.write_bytes(b'abd')  # of the same size
    os.utime(path, ns=(0, 0))
    assert files.file_digest(path) == SHA_ABD
    with pytest.raises(FileNotFoundError):
        files.file_digest(tmp_path / 'b')
