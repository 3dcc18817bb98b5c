"""The command line of tools/dataset_converters/voc12_aug.py."""

from pathlib import Path

import pytest
from PIL import Image

from tests.tools.voc12_aug.preparing import ANY, TOOL
from tests.tools.voc_archives import (
    SIZES,
    TRAIN_AUG,
    contents,
    write_archives,
)


def test_made_kept_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voc, sbd, test = map(str, write_archives(tmp_path))
    out, saliency = tmp_path / 'out', tmp_path / 'saliency'
    arguments = [voc, sbd, '--test-tar', test, '--out', str(out), '--expected', '5', ANY]
    TOOL.main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        '  checksums: 3/3  left 0:00:00',
        '  voc.tar: 23/23  left 0:00:00',
        '  benchmark.tgz: 7/7  left 0:00:00',
        '  test.tar: 2/2  left 0:00:00',
        '  masks: 7/7  left 0:00:00',
        f'{out}/VOC2012: written; 5 images in train_aug',
    ]
    before = contents(out)
    saliency.mkdir()
    with pytest.raises(
        SystemExit, match='error: .*saliency, saliency maps: 5 of 5 files are missing'
    ):
        TOOL.main([*arguments, '--saliency', str(saliency)])
    for name in TRAIN_AUG:
        Image.new('L', SIZES[name][::-1]).save(saliency / f'{name}.png')
    capsys.readouterr()
    TOOL.main([*arguments, '--saliency', str(saliency)])
    assert capsys.readouterr().out.splitlines() == [
        '  checksums: 3/3  left 0:00:00',
        f'{out}/VOC2012: complete already, kept; 5 images in train_aug',
        f'{saliency}: 5 saliency maps, all of the right size',
    ]
    assert contents(out) == before


def test_wrong_number_of_images_by_default(tmp_path: Path) -> None:
    voc, sbd, _ = map(str, write_archives(tmp_path))
    with pytest.raises(SystemExit, match='^error: train_aug would have 5 images, expected 10582'):
        TOOL.main([voc, sbd, '--out', str(tmp_path / 'out'), ANY])
    assert list((tmp_path / 'out').iterdir()) == []
