"""`mmdrs labels`: from what a user has to a list that the data sets read."""

import csv
from pathlib import Path

import pytest

from mmdrs.cli.labels import main
from mmdrs.datasets import ImageLabelDataset, read_label_list
from tests.datasets.label_formats.test_coco import CATEGORIES, coco
from tests.datasets.label_formats.test_colour_table import EXPECTED
from tests.datasets.label_formats.test_masks import TABLE, save


@pytest.fixture
def pets(files) -> Path:
    """Ten images of each of two classes, one without and one with both."""
    content = {f'{c}/{n} {c}.JPG': f'{c}{n}' for c in ('cat', 'sea lion') for n in range(10)}
    both = {f'{c}/both.png': b'both' for c in ('cat', 'sea lion')}
    return files({**content, **both})


def test_class_folders(pets: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / 'lists' / 'train_cls.csv'
    main([str(pets), '--out', str(out)])
    classes = ('cat', 'sea lion')
    found = {image.id: image.labels for image in read_label_list(out, classes)}
    assert len(found) == 21
    assert found['cat/both.png'] == (0, 1) and found['sea lion/3 sea lion.JPG'] == (1,)
    with out.open() as file:
        assert ['cat/both.png', 'cat;sea lion'] in list(csv.reader(file))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == 'format: folders (2 folders of images: cat, sea lion)'
    assert lines[2:] == [
        f'{out}: 21 images, 0 without label',
        '  cat       11',
        '  sea lion  11',
        "classes = ('background', 'cat', 'sea lion')",
    ]
    dataset = ImageLabelDataset(
        str(out),
        dict(img_path=str(pets)),
        dict(classes=('background', *classes)),
        img_suffix=None,
        check_sizes=False,
    )
    assert dataset.get_data_info(0)['img_path'] == str(pets / 'cat' / '0 cat.JPG')


def test_split(pets: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / 'train_cls.csv'
    main([str(pets), '--out', str(out), '--split', '0.2', '--seed', '3'])
    train, val = (
        read_label_list(tmp_path / f'{name}_cls.csv', ('cat', 'sea lion'))
        for name in ('train', 'val')
    )
    assert (len(train), len(val)) == (17, 4)
    assert {image.labels for image in val} >= {(0,), (1,)}
    assert not {image.id for image in train} & {image.id for image in val}
    assert 'val_cls.csv: 4 images, 0 without label' in capsys.readouterr().out


def test_nothing_is_overwritten(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / 'train_cls.csv'
    val = out.with_name('val_cls.csv')
    val.write_text('mine')
    with pytest.raises(SystemExit, match=r'val_cls\.csv is there already; .*--overwrite'):
        main([str(pets), '--out', str(out), '--split', '0.5'])
    assert not out.exists() and val.read_text() == 'mine'
    main([str(pets), '--out', str(out), '--split', '0.5', '--overwrite'])
    assert out.exists() and val.read_text() != 'mine'


def test_split_of_the_source_and_images_of_another_folder(files, tmp_path: Path, capsys) -> None:
    root = files(
        {
            'in/train/a.json': coco(CATEGORIES, {'1 a.jpg': [1], '2.jpg': []}),
            'in/valid/b.json': coco(CATEGORIES, {'3.jpg': [2]}),
            'photos/train/1 a.JPEG': b'',
            'photos/train/2.png': b'',
            'photos/valid/3.jpg': b'',
        }
    )
    out = root / 'x.csv'
    main([str(root / 'in'), '--out', str(out), '--images', str(root / 'photos')])
    assert out.read_text() == 'id,labels\ntrain/1 a.JPEG,potted plant\ntrain/2.png,\n'
    assert (root / 'val_x.csv').read_text() == 'id,labels\nvalid/3.jpg,cat\n'
    assert 'x.csv: 2 images, 1 without label' in capsys.readouterr().out
    out.unlink()
    with pytest.raises(SystemExit, match='has images for validation already; leave out --split'):
        main([str(root / 'in'), '--out', str(out), '--split', '0.5'])
    (root / 'photos' / 'valid' / '3.jpg').unlink()
    with pytest.raises(SystemExit, match=r'1 of 3 images are missing.*\n  valid/3\.jpg'):
        main([str(root / 'in'), '--out', str(out), '--images', str(root / 'photos')])


def test_colours_and_names(files, tmp_path: Path, capsys) -> None:
    colours = list(EXPECTED)
    save(tmp_path / 'masks' / '1.png', [colours[2], colours[0]], 'RGB')
    save(tmp_path / 'masks' / '2.png', [colours[1], colours[0]], 'RGB')
    root = files({'labelmap.txt': TABLE, 'photos/1.jpg': b'', 'photos/2.JPG': b''})
    out = root / 'train_cls.txt'
    arguments = [str(root / 'masks'), '--out', str(out), '--images', str(root / 'photos')]
    with pytest.raises(SystemExit, match='is a picture of colours; give .*--colours FILE'):
        main([*arguments, '--format', 'masks'])
    main([*arguments, '--colours', str(root / 'labelmap.txt')])
    assert out.read_text() == '1.jpg 1\n2.JPG 0\n'
    main(
        [
            *arguments,
            '--colours',
            str(root / 'labelmap.txt'),
            '--overwrite',
            '--classes',
            'cat',
            'sea lion',
        ]
    )
    assert out.read_text() == '1.jpg 0\n2.JPG 1\n'
    with pytest.raises(SystemExit, match='names a class twice'):
        main([*arguments, '--classes', 'cat', 'cat'])


def test_made_up_names_are_said(files, capsys) -> None:
    root = files({'x_[10].jpg': b'', 'y_[01].jpg': b''})
    main([str(root), '--out', str(root / 'a.csv')])
    text = capsys.readouterr().out
    assert 'give them in their order with --classes' in text and "'class_0', 'class_1'" in text
    # The list that was written is no source of its next version.
    classes = ['background', 'cat', 'sea lion']
    main([str(root), '--out', str(root / 'a.csv'), '--overwrite', '--classes', *classes])
    assert (root / 'a.csv').read_text() == 'id,labels\nx_[10].jpg,cat\ny_[01].jpg,sea lion\n'
    assert 'give them' not in capsys.readouterr().out
