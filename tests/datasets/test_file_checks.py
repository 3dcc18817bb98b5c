"""Checks of existence."""

import os
from pathlib import Path

import pytest

from mmdrs.datasets.file_checks import FolderIndex, check_exist
from mmdrs.errors import MissingFileError


def test_folder_index_lists_each_folder_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'a.jpg').touch()
    calls = []
    listdir = os.listdir
    monkeypatch.setattr(os, 'listdir', lambda path: calls.append(path) or listdir(path))
    index = FolderIndex()
    found = [index.exists(str(tmp_path / name)) for name in ('a.jpg', 'b.jpg', 'a')]
    assert found == [True, False, False]
    assert not index.exists(str(tmp_path / 'absent' / 'a.jpg'))
    assert calls == [str(tmp_path)]


def test_missing_files_of_all_keys_in_one_error(tmp_path: Path) -> None:
    (tmp_path / '0.png').touch()
    files = {
        'img_path': [str(tmp_path / '0.png')],
        'map_path': [str(tmp_path / f'{n}.npz') for n in range(7)],
        'saliency_path': [str(tmp_path / f'{n}.png') for n in range(2)],
    }
    with pytest.raises(MissingFileError) as error:
        check_exist(files, {'map_path': 'Do something.'}, FolderIndex())
    lines = str(error.value).splitlines()
    assert lines[0] == 'map_path: 7 of 7 files are missing:'
    assert lines[1:6] == [f'  {path}' for path in files['map_path'][:5]]
    assert lines[6:8] == ['  ... and 2 more', 'Do something.']
    assert lines[8:] == [
        'saliency_path: 1 of 2 files are missing:',
        f'  {tmp_path / "1.png"}',
    ]
