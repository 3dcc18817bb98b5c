"""The one hash of values and of files."""

import os
from pathlib import Path

import pytest

from mmdrs import files


def test_digest_of_values() -> None:
    """The first 16 digits of SHA-256 of `{"a": 1, "b": [1, 2]}`."""
    expected = 'e6f20bdc3757e5e7'
    assert files.digest(dict(b=(1, 2), a=1)) == expected == files.digest(dict(a=1, b=[1, 2]))
    assert files.digest(dict(a=Path('x'))) == files.digest(dict(a='x')) != expected


def test_digest_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the content, `abc`; a file is read again when it was changed."""
    path = tmp_path / 'a'
    path.write_bytes(b'abc')
    assert files.file_digest(path) == 'ba7816bf8f01cfea'
    monkeypatch.setattr(files.hashlib, 'sha256', None)
    assert files.file_digest(path) == 'ba7816bf8f01cfea'  # not read again
    monkeypatch.undo()
    path.write_bytes(b'abd')  # of the same size
    os.utime(path, ns=(0, 0))
    assert files.file_digest(path) == 'a52d159f262b2c6d'
    with pytest.raises(FileNotFoundError):
        files.file_digest(tmp_path / 'b')
