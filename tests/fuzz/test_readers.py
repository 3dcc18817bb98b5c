"""Damaged files of every kind: each gives its result, or one message that names the file.

``MMDRS_FUZZ=5000`` tries as many versions of each file; the default takes less than a minute.
"""

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmdrs.errors import InputError
from tests.fuzz.limits import TooLongError, limits
from tests.fuzz.mutations import damaged, odd_files
from tests.fuzz.readers import READERS, Reader, make_files, quietly

#: Damaged versions of each file.
NUMBER = int(os.environ.get('MMDRS_FUZZ', '100'))


@pytest.fixture(scope='session')
def good_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('good')
    make_files(root)
    return root


@pytest.fixture
def files(good_files: Path, tmp_path: Path) -> Path:
    """A copy, to be damaged."""
    root = tmp_path / 'files'
    shutil.copytree(good_files, root)
    for path in root.rglob('*.json'):
        path.write_text(path.read_text().replace(str(good_files), str(root)))
    return root


@pytest.fixture(autouse=True)
def _no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def fault_of(reader: Reader, path: Path) -> str:
    """What is wrong with the way that a reader takes a file; '' if nothing is.

    A file that is none may also be named by its folder: some of the files of a stage are gone.
    """
    try:
        with limits():
            quietly(reader.read, path)
    except InputError as error:
        names = {path.stem, Path(os.path.realpath(path)).name}
        if not path.is_file():
            names |= {folder.name for folder in Path(reader.file).parents}
        if os.path.exists(path) and not any(name in str(error) for name in names):
            return f'does not name the file: {str(error)[:200]}'
    except (Exception, TooLongError) as error:
        return f'{type(error).__name__}: {str(error)[:150]}'
    return ''


@pytest.mark.parametrize('reader', READERS, ids=[reader.name for reader in READERS])
def test_damaged_files(reader: Reader, files: Path, mmseg_scope: None) -> None:
    path = files / reader.file
    good = path.read_bytes()
    assert fault_of(reader, path) == ''
    faults = []
    for name, data in damaged(good, reader.kind, NUMBER):
        path.write_bytes(data)
        fault = fault_of(reader, path)
        if fault:
            faults.append(f'{name}: {fault}')
    path.unlink()
    for name in odd_files(path):
        fault = fault_of(reader, path)
        if fault:
            faults.append(f'{name}: {fault}')
    assert not faults, f'{len(faults)} of {NUMBER + 7}:\n' + '\n'.join(faults[:20])
