"""tools/visualization/vis_drs.py on the classifiers of a finished pipeline."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pipeline_runs import ROOT, load_tool

CUSTOM = ROOT / 'configs' / 'custom'


@pytest.fixture
def arguments(finished: Path, tiny_voc: Path, tmp_path: Path) -> list[str]:
    images = [str(tiny_voc / 'JPEGImages' / f'img_{n}.jpg') for n in (0, 1)]
    network = [
        str(CUSTOM / 'drs-classifier_custom.py'),
        str(finished / 'drs_classifier/epoch_2.pth'),
    ]
    out = ['--out', str(tmp_path / 'drs.png'), '--settings', str(finished / 'settings.py')]
    return [*images, *network, *out]


def test_picture_and_table(arguments: list[str], finished: Path, tmp_path: Path, capsys) -> None:
    tool = load_tool('visualization/vis_drs')
    tool.main([*arguments, '--classes', 'disc', 'bar'])
    printed = capsys.readouterr().out
    assert f'picture: {tmp_path / "drs.png"}' in printed
    rows = [
        line.split() for line in printed.splitlines() if line.startswith(('backbone', 'decode'))
    ]
    assert len(rows) == 4 and all(
        row[-1] == '0.800' for row in rows
    )  # 3 in the VGG, 1 in the head
    with Image.open(tmp_path / 'drs.png') as picture:
        itself = np.asarray(picture).copy()
    plain = [
        str(CUSTOM / 'plain-classifier_custom.py'),
        str(finished / 'plain_classifier/epoch_2.pth'),
    ]
    tool.main([*arguments, '--classes', 'disc', 'bar', '--plain', *plain])
    with Image.open(tmp_path / 'drs.png') as picture:
        assert picture.size == itself.shape[1::-1]
        assert (np.asarray(picture) != itself).any()  # another network is beside it


def test_errors(arguments: list[str], finished: Path) -> None:
    tool = load_tool('visualization/vis_drs')
    with pytest.raises(SystemExit, match="error: unknown class 'cow'; known: disc, bar, cross"):
        tool.main([*arguments, '--classes', 'cow'])
    with pytest.raises(SystemExit, match='error: gone.jpg: no such image'):
        tool.main(['gone.jpg', *arguments])
    plain = [
        str(CUSTOM / 'plain-classifier_custom.py'),
        str(finished / 'plain_classifier/epoch_2.pth'),
    ]
    with pytest.raises(SystemExit, match='has no DRS layer'):
        tool.main([arguments[0], *plain, *arguments[4:]])
