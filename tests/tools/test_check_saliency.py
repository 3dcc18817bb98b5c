"""The command line of tools/dataset_converters/check_saliency.py."""

from pathlib import Path

import pytest

from tests.pipeline_runs import load_tool


def test_complete_and_incomplete(
    tmp_path: Path, tiny_voc: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main = load_tool('dataset_converters/check_saliency').main
    maps, images = tiny_voc / 'saliency_map', tiny_voc / 'JPEGImages'
    ids = tiny_voc / 'ImageSets' / 'Segmentation' / 'train_cls.txt'
    main([str(maps), str(ids), '--images', str(images)])
    assert capsys.readouterr().out == f'{maps}: 6 saliency maps, all of the right size\n'
    longer = tmp_path / 'longer.txt'
    longer.write_text(ids.read_text() + 'img_9 1\n')
    with pytest.raises(
        SystemExit, match=r'^error: .*images: 1 of 7 files are missing:\n .*img_9\.jpg\n'
    ):
        main([str(maps), str(longer), '--images', str(images)])
    arguments = [str(tiny_voc / 'JPEGImages'), str(ids), '--images', str(images)]
    with pytest.raises(SystemExit, match='^error: .*saliency maps: 6 of 6 files are missing'):
        main(arguments)
    main([*arguments, '--suffix', '.jpg'])  # 8-bit colour images are read as grey
