"""The command line of tools/dataset_converters/voc12_aug.py."""

from pathlib import Path

import pytest
from PIL import Image

from tests.datasets.preparation.voc_archives import SIZES, TRAIN_AUG, contents, write_archives
from tests.pipeline_runs import load_tool

TOOL = 'dataset_converters/voc12_aug'


def test_made_kept_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    voc, sbd, test = map(str, write_archives(tmp_path))
    out, saliency = tmp_path / 'out', tmp_path / 'saliency'
    arguments = [voc, sbd, '--test-tar', test, '--out', str(out), '--expected', '5']
    main = load_tool(TOOL).main
    main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        '  archives looked through: 3/3  left 0:00:00',
        '  voc.tar: 23/23  left 0:00:00',
        '  test.tar: 2/2  left 0:00:00',
        '  masks: 7/7  left 0:00:00',
        f'{out}/VOC2012: written; 5 images in train_aug',
    ]
    before = contents(out)
    saliency.mkdir()
    with pytest.raises(SystemExit, match='error: .*saliency: 5 of 5 saliency maps are missing'):
        main([*arguments, '--saliency', str(saliency)])
    for name in TRAIN_AUG:
        Image.new('L', SIZES[name][::-1]).save(saliency / f'{name}.png')
    capsys.readouterr()
    main([*arguments, '--saliency', str(saliency)])
    assert capsys.readouterr().out.splitlines() == [
        f'{out}/VOC2012: complete already, kept; 5 images in train_aug',
        f'{saliency}: 5 saliency maps, all of the right size',
    ]
    assert contents(out) == before


def test_wrong_number_of_images_by_default(tmp_path: Path) -> None:
    voc, sbd, _ = map(str, write_archives(tmp_path))
    with pytest.raises(SystemExit, match='^error: train_aug would have 5 images, expected 10582'):
        load_tool(TOOL).main([voc, sbd, '--out', str(tmp_path / 'out')])
    assert not (tmp_path / 'out').exists()


def test_full_disk_is_an_error_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voc, sbd, _ = map(str, write_archives(tmp_path))
    arguments = [voc, sbd, '--out', str(tmp_path / 'out'), '--expected', '5']

    def write_bytes(path: Path, data: bytes) -> None:
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(Path, 'write_bytes', write_bytes)
        with pytest.raises(SystemExit, match='error: .*No space left on device'):
            load_tool(TOOL).main(arguments)
    assert not (tmp_path / 'out' / 'VOC2012').exists()
    load_tool(TOOL).main(arguments)
    assert len(list((tmp_path / 'out' / 'VOC2012' / 'SegmentationClassAug').iterdir())) == 7
