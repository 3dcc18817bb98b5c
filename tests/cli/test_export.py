"""`mmdrs export`: files for other programs from a run and from images."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmdrs.apis import init_model
from mmdrs.cli.export import main
from mmdrs.pseudo_labels.label_file import read_label
from tests.apis.prediction.tiny_segmentor import write_segmentor
from tests.conftest import TINY_CLASSES
from tests.pseudo_labels.test_rle import decode

IDS = [f'img_{number}' for number in range(6)]


@pytest.fixture
def network(tmp_path: Path) -> list[str]:
    """Arguments of a network whose predictions have several classes."""
    (tmp_path / 'net').mkdir()
    paths = write_segmentor(tmp_path / 'net')
    return ['--device', 'cpu', *(f'--{key}={path}' for key, path in paths.items())]


def refused(*arguments: object) -> str:
    with pytest.raises(SystemExit) as caught:
        main([*map(str, arguments)])
    return str(caught.value.code)


def test_predictions_of_images(
    tiny_voc: Path, network: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out, images = tmp_path / 'masks', tiny_voc / 'JPEGImages'
    main([str(images), *network, '--format', 'png', '--out', str(out)])
    assert f'6 images: {out}' in capsys.readouterr().out
    model = init_model(
        config=tmp_path / 'net/tiny.py', checkpoint=tmp_path / 'net/tiny.pth', device='cpu'
    )
    assert sorted(path.stem for path in out.iterdir()) == IDS
    for name in IDS:
        expected = model.predict(images / f'{name}.jpg').label
        assert len(np.unique(expected)) > 1
        np.testing.assert_array_equal(read_label(out / f'{name}.png'), expected)


def test_network_of_a_run(finished: Path, tiny_voc: Path, tmp_path: Path) -> None:
    image, out = tiny_voc / 'JPEGImages/img_1.jpg', tmp_path / 'masks.json'
    main([str(finished), str(image), '--format', 'coco', '--out', str(out), '--device', 'cpu'])
    content = json.loads(out.read_text())
    assert [found['file_name'] for found in content['images']] == ['img_1.jpg']
    assert [found['name'] for found in content['categories']] == [*TINY_CLASSES[1:]]
    label = np.zeros((40, 48), np.uint8)
    for found in content['annotations']:
        label[decode(found['segmentation'])] = found['category_id']
    model = init_model(finished, device='cpu')
    np.testing.assert_array_equal(label, model.predict(image).label)


@pytest.mark.parametrize('kind', ['png', 'coco', 'polygons'])
def test_pseudo_labels(
    finished: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / ('out.json' if kind == 'coco' else 'out')
    main([str(finished), '--labels', 'pseudo_labels', '--format', kind, '--out', str(out)])
    assert '6 images' in capsys.readouterr().out
    labels = {name: read_label(finished / 'pseudo_labels/train' / f'{name}.png') for name in IDS}
    if kind == 'png':
        for name, label in labels.items():
            np.testing.assert_array_equal(read_label(out / f'{name}.png'), label)
        return
    if kind == 'polygons':
        assert sorted(path.name for path in out.iterdir()) == [f'{name}.json' for name in IDS]
        return
    content = json.loads(out.read_text())
    files = [found['file_name'] for found in content['images']]
    assert files == [f'{name}.jpg' for name in IDS]
    for index, name in enumerate(IDS, 1):
        areas = {
            found['category_id']: found['area']
            for found in content['annotations']
            if found['image_id'] == index
        }
        values, counts = np.unique(labels[name], return_counts=True)
        expected = dict(zip(values.tolist(), counts.tolist(), strict=True))
        assert areas == {key: count for key, count in expected.items() if key not in (0, 255)}


def test_data_that_have_moved(copied: Path, tiny_voc: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(tiny_voc, tmp_path / 'moved')
    record = copied / 'pipeline.json'
    record.write_text(record.read_text().replace(str(tiny_voc), str(tmp_path / 'gone')))
    arguments = [copied, '--labels', 'pseudo_labels', '--format', 'polygons']
    arguments += ['--out', tmp_path / 'out']
    assert 'give --data-root' in refused(*arguments)
    main([*map(str, arguments), '--data-root', str(moved)])
    content = json.loads((tmp_path / 'out/img_0.json').read_text())
    assert (tmp_path / 'out' / content['imagePath']).resolve() == moved / 'JPEGImages/img_0.jpg'


def test_run_without_pseudo_labels(copied: Path, tmp_path: Path) -> None:
    (copied / 'pseudo_labels/train/img_2.png').unlink()
    arguments = ['--labels', 'pseudo_labels', '--format', 'png', '--out', tmp_path / 'out']
    message = refused(copied, *arguments)
    assert 'no pseudo labels (only 5 of the 6' in message and '--to pseudo_labels' in message


@pytest.mark.parametrize('kind', ['png', 'coco', 'polygons'])
def test_broken_image_is_named_and_the_others_are_done(
    kind: str,
    tiny_voc: Path,
    network: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    images = shutil.copytree(tiny_voc / 'JPEGImages', tmp_path / 'images')
    (images / 'img_2.jpg').write_bytes(b'no image')
    out = tmp_path / ('out.json' if kind == 'coco' else 'out')
    message = refused(images, *network, '--format', kind, '--out', out)
    assert '1 of the images have no masks' in message and 'img_2.jpg' in message
    assert re.search(r'^5 images', capsys.readouterr().out, re.MULTILINE)
    left = [name for name in IDS if name != 'img_2']
    if kind == 'coco':
        listed = json.loads(out.read_text())['images']
        assert [Path(image['file_name']).stem for image in listed] == left
    else:
        assert sorted(path.stem for path in out.iterdir()) == left


def test_overwrites_only_if_told(tiny_voc: Path, network: list[str], tmp_path: Path) -> None:
    image, file = tiny_voc / 'JPEGImages/img_0.jpg', tmp_path / 'out.json'
    file.write_text('finished')
    arguments = [image, *network, '--format', 'coco', '--out', file]
    assert 'is there; give another one, or --overwrite' in refused(*arguments)
    assert file.read_text() == 'finished'
    main([*map(str, arguments), '--overwrite'])
    assert len(json.loads(file.read_text())['images']) == 1
    folder = tmp_path / 'folder'
    folder.mkdir()
    (folder / 'notes.txt').write_text('mine')
    for kind in ('png', 'polygons'):
        arguments = [image, *network, '--format', kind, '--out', folder]
        assert 'is there; give another one, or --overwrite' in refused(*arguments)
        assert [path.name for path in folder.iterdir()] == ['notes.txt']
    main([*map(str, arguments), '--overwrite'])
    assert {path.name for path in folder.iterdir()} == {'notes.txt', 'img_0.json'}


def test_overwrite_leaves_pictures_of_others(
    tiny_voc: Path, network: list[str], tmp_path: Path
) -> None:
    Image.new('L', (3, 3)).save(tmp_path / 'img_0.png')
    before = (tmp_path / 'img_0.png').read_bytes()
    arguments = [tiny_voc / 'JPEGImages/img_0.jpg', *network, '--format', 'png']
    assert 'img_0.png' in refused(*arguments, '--out', tmp_path, '--overwrite')
    assert (tmp_path / 'img_0.png').read_bytes() == before


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--format', 'coco', '--out', 'a.txt'], 'a file that ends in .json'),
        (['a.jpg', '--format', 'onnx', '--out', 'a.onnx'], '--format onnx takes no images'),
        (
            ['a.jpg', '--labels', 'pseudo_labels', '--format', 'png', '--out', 'a'],
            '--labels pseudo_labels takes no images: leave out a.jpg',
        ),
    ],
)
def test_wrong_arguments(
    finished: Path,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refused(finished, *arguments)
    assert not [*tmp_path.iterdir()]
