"""Damaged MATLAB files of SBD: refused before SciPy, which crashes on some."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mmdrs.errors import InputError
from tests.pipeline_runs import load_tool

TOOL = load_tool('dataset_converters/voc12_aug')
MASK = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.fixture(params=[True, False], ids=['compressed', 'plain'])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / 's1.mat'
    content = dict(GTcls=dict(Segmentation=MASK, Boundaries=[1, 2]))
    savemat(file, content, do_compression=request.param)
    return file


def test_mask(path: Path) -> None:
    np.testing.assert_array_equal(TOOL.read_sbd_mask(path, 'sbd.tgz, s1.mat'), MASK)


@pytest.mark.parametrize('damage', ['cut', 'longer', 'size', 'kind', 'content'])
def test_damage(path: Path, damage: str) -> None:
    data = bytearray(path.read_bytes())
    if damage == 'cut':
        del data[-9:]
    elif damage == 'longer':
        data += bytes(12)
    else:
        data[dict(size=132, kind=128, content=136)[damage]] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r'^sbd\.tgz, .*s1\.mat is not a readable MATLAB file'):
        TOOL.read_sbd_mask(path, 'sbd.tgz, s1.mat')
