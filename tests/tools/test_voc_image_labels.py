"""The command line of tools/dataset_converters/voc_image_labels.py."""

from pathlib import Path

import numpy as np
import pytest
from mmseg.datasets import PascalVOCDataset

from tests.pipeline_runs import load_tool
from tests.tools.voc_archives import contents, make_voc_root, png_bytes

NAMES = PascalVOCDataset.METAINFO['classes'][1:]
TOOL = 'dataset_converters/voc_image_labels'


@pytest.fixture
def voc_root(tmp_path: Path) -> Path:
    return make_voc_root(tmp_path)


def read(root: Path, name: str) -> list[str]:
    return (root / 'ImageSets' / 'Segmentation' / name).read_text().splitlines()


def run(*arguments: object) -> None:
    load_tool(TOOL).main([str(argument) for argument in arguments])


def test_lists_of_all_sources(voc_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lists = voc_root / 'ImageSets' / 'Segmentation'
    run(voc_root, '--source', 'masks')
    assert read(voc_root, 'train_aug_cls.txt') == ['a1 0', 'a2 1', 's1 14', 's2 19', 's3 6']
    assert read(voc_root, 'train_cls.txt') == ['a1 0', 'a2 1']
    assert read(voc_root, 'val_cls.txt') == ['v1 2', 'v2 3']
    assert f'{lists}/train_aug_cls.txt: 5 images, 1.00 classes on average, 0 without any' in (
        capsys.readouterr().out.splitlines()
    )
    run(voc_root, '--source', 'xml', '--splits', 'train_aug')
    assert read(voc_root, 'train_aug_cls_xml.txt') == [
        'a1 0',
        'a2 1 14',
        's1 8 14',
        's2 19',
        's3 6',
    ]
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f'{lists}/train_aug_cls_xml.txt: 5 images, 1.40 classes on average, 0 without any',
        '  differs from train_aug_cls.txt in 2 of 5 images',
    ]
    run(voc_root, '--source', 'xml', '--splits', 'train_aug', '--skip-difficult')
    assert read(voc_root, 'train_aug_cls_xml.txt')[1:] == ['a2 1', 's1 8 14', 's2 19', 's3']
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f'{lists}/train_aug_cls_xml.txt: 5 images, 1.00 classes on average, 1 without any',
        '  without any: s3',
        '  differs from train_aug_cls.txt in 2 of 5 images',
    ]


def test_list_of_others(
    tmp_path: Path, voc_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    released = tmp_path / 'released.txt'
    released.write_text('v1 0\na2 1\na1 0 4\n')
    lists = tmp_path / 'lists'
    lists.mkdir()
    (lists / 'train_cls.txt').write_text('a1 0\ns1 1\n')
    (lists / 'train_cls_of_others.txt').write_text('a1 tiger\n')
    run(voc_root, '--source', released, '--splits', 'train', '--out-dir', lists)
    assert (lists / 'train_cls_released.txt').read_text() == 'a1 0 4\na2 1\n'
    assert capsys.readouterr().out.splitlines() == [
        f'{lists}/train_cls_released.txt: 2 images, 1.50 classes on average, 0 without any',
        '  differs from train_cls.txt in 1 of 1 images; 2 are in one of them only',
        f"  not compared: {lists}/train_cls_of_others.txt, line 1: unknown class 'tiger'; "
        f'known classes: {", ".join(PascalVOCDataset.METAINFO["classes"][1:])}',
    ]


def test_npy_of_others(tmp_path: Path, voc_root: Path) -> None:
    vectors = np.eye(20, dtype=np.float32)
    np.save(tmp_path / 'cls_labels.npy', {'a1': vectors[0], 'a2': vectors[1] + vectors[7]})
    run(voc_root, '--source', tmp_path / 'cls_labels.npy', '--splits', 'train')
    assert read(voc_root, 'train_cls_cls_labels.txt') == ['a1 0', 'a2 1 7']


def test_an_error_writes_nothing(tmp_path: Path, voc_root: Path) -> None:
    before = contents(tmp_path)
    released = tmp_path / 'archives' / 'released.txt'
    released.write_text('a1 0\na2 1\n')
    with pytest.raises(SystemExit, match=r'^error: .*released\.txt: lacks 2 of 2 ids:\n  v1'):
        run(voc_root, '--source', released, '--splits', 'train', 'val')
    with pytest.raises(SystemExit, match=r'error: .*absent\.txt: no such list of images'):
        run(voc_root, '--source', tmp_path / 'absent.txt', '--splits', 'train')
    with pytest.raises(SystemExit, match=r'error: .*other\.txt: no such list of images'):
        run(voc_root, '--source', 'masks', '--splits', 'train', 'other')
    released.unlink()
    assert contents(tmp_path) == before


def test_no_image_with_a_label(voc_root: Path) -> None:
    for name in ('v1', 'v2'):
        path = voc_root / 'SegmentationClassAug' / f'{name}.png'
        path.write_bytes(png_bytes(np.full((4, 4), 255, np.uint8)))
    with pytest.raises(SystemExit, match=r'val_cls\.txt: none of its 2 images has a label'):
        run(voc_root, '--source', 'masks', '--splits', 'val')
    assert not (voc_root / 'ImageSets' / 'Segmentation' / 'val_cls.txt').exists()


@pytest.mark.parametrize(
    'arguments',
    [['--source', 'masks', '--skip-difficult'], ['--source', 'lists/xml.txt'], []],
)
def test_options_that_do_not_fit(
    tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, *arguments)
    assert 'source' in capsys.readouterr().err.splitlines()[-1]
