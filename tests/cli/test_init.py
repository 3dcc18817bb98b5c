"""`mmdrs init`: from a folder of photographs to settings that a pipeline can run."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mmseg.registry import DATASETS
from PIL import Image

from mmdrs.cli.init import main
from mmdrs.datasets import ImageLabelDataset
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.runs import stage_runs
from mmdrs.pipeline.settings import Settings
from mmdrs.pseudo_labels.label_file import read_label
from tests.datasets.label_formats.test_coco import CATEGORIES, coco
from tests.datasets.label_formats.test_cvat import XML as CVAT
from tests.datasets.label_formats.test_labelme import labelme
from tests.datasets.label_formats.test_masks import save
from tests.datasets.label_formats.test_voc_xml import annotation
from tests.datasets.label_formats.test_yolo import BOX, DATA


def picture(kind: str = 'JPEG', seed: int = 0, size: tuple[int, int] = (100, 80)) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


JPG, PNG = picture(), picture('PNG')
BOTH = ('cat', 'potted plant')
CSV = 'id,labels\nday one/IMG 1,cat;potted plant\n2.JPG,cat\n3.png,\n'
#: Files of each kind; images of the training list by their path, with their classes.
KINDS: dict[str, tuple[dict[str, str | bytes], dict[str, tuple[str, ...]]]] = {
    'class folders': (
        {'cat/IMG 1.JPG': JPG, 'potted plant/IMG 1.JPG': picture(seed=1), 'cat/2.png': PNG},
        {'cat/IMG 1.JPG': BOTH[:1], 'cat/2.png': BOTH[:1], 'potted plant/IMG 1.JPG': BOTH[1:]},
    ),
    'CSV': (
        {'labels.csv': CSV, 'images/day one/IMG 1.jpeg': JPG, 'images/2.JPG': JPG}
        | {'images/3.png': PNG},
        {'images/day one/IMG 1.jpeg': BOTH, 'images/2.JPG': BOTH[:1], 'images/3.png': ()},
    ),
    'text list': (
        {'list.txt': 'a cat\nb dog cat\n', 'photos/a.jpg': JPG, 'photos/b.JPG': JPG},
        {'photos/a.jpg': ('cat',), 'photos/b.JPG': ('cat', 'dog')},
    ),
    'COCO of CVAT': (
        {'annotations/instances_default.json': coco(CATEGORIES, {'IMG 1.jpg': [1], '2.jpg': []})}
        | {'images/IMG 1.jpg': JPG, 'images/2.jpg': JPG},
        {'images/IMG 1.jpg': ('potted plant',), 'images/2.jpg': ()},
    ),
    'COCO of Roboflow': (
        {
            'train/_annotations.coco.json': coco(CATEGORIES, {'1.jpg': [1, 2]}),
            'valid/_annotations.coco.json': coco(CATEGORIES, {'1.jpg': [2]}),
            'train/1.jpg': JPG,
            'valid/1.jpg': JPG,
        },
        {'train/1.jpg': BOTH[::-1]},
    ),
    'LabelMe': (
        {'IMG 1.jpg': JPG, 'IMG 1.json': labelme('IMG 1.jpg', *BOTH)}
        | {'2.jpg': JPG, '2.json': labelme('2.jpg', cat=True)},
        {'IMG 1.jpg': BOTH, '2.jpg': ('cat',)},
    ),
    'CVAT': (
        {'annotations.xml': CVAT, 'images/day one/IMG 1.jpg': JPG, 'images/2.png': PNG}
        | {'images/3.jpg': JPG},
        {'images/day one/IMG 1.jpg': ('dog', 'potted plant'), 'images/2.png': ('cat',)}
        | {'images/3.jpg': ()},
    ),
    'VOC': (
        {'Annotations/IMG 1.xml': annotation('IMG 1.jpg', *BOTH), 'JPEGImages/IMG 1.jpg': JPG}
        | {'SegmentationObject/IMG 1.png': PNG},
        {'JPEGImages/IMG 1.jpg': BOTH},
    ),
    'YOLO of Roboflow': (
        {'data.yaml': DATA, 'train/images/IMG 1.jpg': JPG, 'train/labels/IMG 1.txt': f'1 {BOX}'}
        | {'valid/images/2.jpg': JPG, 'valid/labels/2.txt': f'0 {BOX}'},
        {'train/images/IMG 1.jpg': ('potted plant',)},
    ),
    'names': (
        {'train/a b-[1, 0].png': PNG, 'train/c-[1, 1].png': PNG},
        {'train/a b-[1, 0].png': ('class_0',), 'train/c-[1, 1].png': ('class_0', 'class_1')},
    ),
}


def training_data(settings: Settings, work_dir: Path) -> dict[str, tuple[str, ...]]:
    """The images of the training data set, relative to the data, with their classes."""
    run = stage_runs(settings, work_dir)['plain_classifier']
    run.check_data()
    dataset = DATASETS.build(dict(run.config().train_dataloader.dataset, pipeline=[]))
    assert isinstance(dataset, ImageLabelDataset)
    classes = dataset.metainfo['classes'][1:]
    return {
        str(Path(info['img_path']).relative_to(settings['data_root'])): tuple(
            name for name, label in zip(classes, info['img_label'], strict=True) if label
        )
        for info in map(dataset.get_data_info, range(len(dataset)))
    }


@pytest.mark.parametrize('kind', KINDS)
def test_settings_of_each_kind(
    kind: str, files, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, expected = KINDS[kind]
    files({f'my photos/{name}': data for name, data in content.items()})
    monkeypatch.chdir(tmp_path)
    main(['my photos', '--out', 'mine/settings.py'])
    assert 'mmdrs run mine/settings.py --work-dir run' in capsys.readouterr().out
    monkeypatch.chdir('/')  # the settings work in any folder
    settings = load_settings(tmp_path / 'mine' / 'settings.py')
    settings.check_keys()
    assert training_data(settings, tmp_path / 'work') == expected
    assert settings['batch_size'] <= len(expected)
    runs = stage_runs(settings, tmp_path / 'work')
    for run in runs.values():
        run.check_data()
    runs['pseudo_labels'].check()
    there = [path for path in (tmp_path / 'my photos').rglob('*') if path.is_file()]
    assert {*there} == {tmp_path / 'my photos' / name for name in content}


@pytest.fixture
def voc(files, tmp_path: Path) -> Callable[..., Path]:
    """Ten images with two classes in turn, with masks and saliency maps of some of them."""

    def make(masks: int = 10, saliency: int = 0, scale: int = 1) -> Path:
        labels = [('cat',), ('dog',)] * 5
        files({f'voc/Annotations/{n}.xml': annotation('', *labels[n]) for n in range(10)})
        files({f'voc/JPEGImages/{n}.jpg': picture(size=(100, 80)) for n in range(10)})
        for count, folder in ((masks, 'SegmentationClass'), (saliency, 'saliency_map')):
            for n in range(count):
                value = 200 if folder == 'saliency_map' else (n % 2 + 1) * scale
                pixels = np.zeros((80, 100), np.uint8)
                pixels[20:40, 20:60] = value
                path = tmp_path / 'voc' / folder / f'{n}.png'
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(pixels).save(path)
        return tmp_path / 'voc'

    return make


def written(voc: Path, *arguments: str) -> Settings:
    main([str(voc), '--out', str(voc.parent / 's.py'), '--overwrite', *arguments])
    return load_settings(voc.parent / 's.py')


def test_masks_and_saliency_maps(voc, tmp_path: Path, capsys) -> None:
    settings = written(voc(masks=10, saliency=10))
    assert (settings['mask_dir'], settings['eval_mask_dir']) == ('SegmentationClass', None)
    assert settings['saliency_dir'] == 'saliency_map'
    assert settings['val_list'].endswith('s_lists/val_cls.csv') and not settings['eval_list']
    assert settings['pseudo_labels']['background_cue']['type'] == 'saliency'
    runs = stage_runs(settings, tmp_path / 'work')
    for run in runs.values():
        run.check_data()
    data = [len(DATASETS.build(config)) for config in runs['drs_maps'].given_datasets()]
    assert data == [8, 2]
    assert 'masks: 10 in SegmentationClass' in capsys.readouterr().out


def test_masks_of_some_images_and_too_few_saliency_maps(voc, tmp_path: Path, capsys) -> None:
    settings = written(voc(masks=6, saliency=9))
    assert (settings['mask_dir'], settings['eval_mask_dir']) == (None, 'SegmentationClass')
    assert settings['val_list'] is None and settings['eval_list'].endswith('val_cls.csv')
    assert settings['saliency_dir'] is None
    cue = settings['pseudo_labels']['background_cue']
    assert cue == dict(type='constant', value=0.55)
    for run in stage_runs(settings, tmp_path / 'work').values():
        run.check_data()
    text = capsys.readouterr().out
    assert 'those of saliency_map are not used: 1 of 10 images have none' in text


def test_masks_of_other_classes_are_not_used(voc, capsys) -> None:
    """Sorted by name cat is 1; the masks have it the other way round."""
    folder = voc(masks=10)
    settings = written(folder, '--classes', 'dog', 'cat')
    assert settings['mask_dir'] is None and settings['eval_list'] is None
    assert 'give --classes in the order of the values of the masks' in capsys.readouterr().out
    settings = written(folder, '--classes', 'background', 'cat', 'dog')
    assert settings['mask_dir'] == 'SegmentationClass'


def test_masks_alone(tmp_path: Path, files) -> None:
    root = files({f'pets/images/{n}.jpg': JPG for n in range(3)})
    for n in range(3):
        save(tmp_path / 'pets' / 'masks' / f'{n}.png', [0, n])
    settings = written(root / 'pets', '--classes', 'cat', 'sea lion', '--split', '0')
    assert training_data(settings, tmp_path) == {
        'images/0.jpg': (),
        'images/1.jpg': ('cat',),
        'images/2.jpg': ('sea lion',),
    }
    assert settings['mask_dir'] == 'masks'


def test_masks_of_colours(tmp_path: Path, files, capsys) -> None:
    """CVAT's segmentation masks; the scores need class indices."""
    table = 'background:0,0,0::\nsea lion:250,50,83::\ncat:51,221,255::\n'
    root = files({f'pets/JPEGImages/{n}.jpg': picture(size=(3, 2)) for n in range(10)})
    files({'pets/labelmap.txt': table, 'pets/ImageSets/Segmentation/default.txt': '0\n1\n'})
    colours = [[0, 0, 0], [250, 50, 83], [51, 221, 255]]
    for n in range(10):
        path = tmp_path / 'pets' / 'SegmentationClass' / f'{n}.png'
        save(path, [colours[0], colours[1 + n % 2], colours[0]], 'RGB')
    settings = written(root / 'pets')
    assert settings['classes'] == ('background', 'sea lion', 'cat')
    assert settings['mask_dir'] == str(tmp_path / 's_masks')
    assert '10 masks, written as class indices into' in capsys.readouterr().out
    for run in stage_runs(settings, tmp_path / 'work').values():
        run.check_data()
    with pytest.raises(SystemExit, match='s_lists.* is there already|s_masks is there already'):
        (tmp_path / 's.py').unlink()
        main([str(root / 'pets'), '--out', str(tmp_path / 's.py')])


def test_what_is_in_the_folder_of_the_photographs(files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, lists, masks and a run that are there already are no classes, and no lists."""
    root = files({f'{name}/1.jpg': picture(seed=n) for n, name in enumerate(BOTH)})
    save(root / 'masks' / 'cat' / '1.png', [0, 255])
    monkeypatch.chdir(root)
    main(['.'])
    first = (root / 'settings.py').read_text()
    save(root / 'settings_masks' / 'cat' / '1.png', [0, 1])
    files({'run/pipeline.json': '{}', 'run/overview.png': b'', 'run/plain_maps/x.png': b''})
    files({'settings_lists/train_cls.csv': 'id,labels\ncat/1.jpg,other\n'})
    main(['.', '--overwrite'])
    assert (root / 'settings.py').read_text() == first
    assert "('background', 'cat', 'potted plant')" in first


def test_masks_of_0_and_255(voc) -> None:
    folder = voc(masks=10)
    for path in (folder / 'SegmentationClass').iterdir():
        Image.fromarray(np.uint8(np.asarray(Image.open(path)) > 0) * np.uint8(255)).save(path)
    for path in (folder / 'Annotations').iterdir():
        path.write_text(path.read_text().replace('dog', 'cat'))
    settings = written(folder)
    assert settings['mask_dir'] == str(folder.parent / 's_masks')
    assert read_label(folder.parent / 's_masks' / '3.png')[25, 25] == 1


def test_weights(voc, tmp_path: Path) -> None:
    folder = voc(masks=0)
    assert written(folder)['backbone']['init_cfg']['checkpoint'] == 'mmcls://mobilenet_v2'
    (tmp_path / 'mobilenet_v2.pth').write_bytes(b'')
    settings = written(folder, '--checkpoint', str(tmp_path / 'mobilenet_v2.pth'))
    assert settings['backbone']['init_cfg'] == dict(
        type='Pretrained', checkpoint=str(tmp_path / 'mobilenet_v2.pth')
    )
    with pytest.raises(SystemExit, match=r"mobilenet\.pth' does not exist; did you mean"):
        written(folder, '--checkpoint', str(tmp_path / 'mobilenet.pth'))


def test_training_from_scratch(voc, tmp_path: Path, mmseg_scope: None) -> None:
    """Every training builds and runs a batch; the statistics of batch norm are trained."""
    settings = written(voc(masks=0), '--checkpoint', 'none')
    settings.check_keys()
    runs = stage_runs(settings, tmp_path / 'work')
    assert list(runs)[0] == 'pretraining'
    for name in ('pretraining', 'drs_classifier', 'segmentation'):
        runs[name].check()
        backbone = runs[name].config().model.backbone
        backbone = backbone.get('backbone', backbone)
        assert backbone.init_cfg is None and backbone.norm_eval is False


def test_nothing_is_overwritten(voc, tmp_path: Path) -> None:
    folder, out = voc(masks=0), tmp_path / 's.py'
    out.write_text('mine = 1')
    with pytest.raises(SystemExit, match=r's\.py is there already'):
        main([str(folder), '--out', str(out)])
    out.unlink()
    (tmp_path / 's_lists').mkdir()
    (tmp_path / 's_lists' / 'val_cls.csv').write_text('mine')
    with pytest.raises(SystemExit, match=r'val_cls\.csv is there already'):
        main([str(folder), '--out', str(out)])
    assert not out.exists()


@pytest.mark.parametrize(
    ('arguments', 'problem'),
    [
        (['none'], 'none: no such folder; give the folder of the photographs'),
        (['.', '--out', 'a.txt'], r'a\.txt: settings end in \.py'),
        (['.'], 'no labels are found in it'),
    ],
)
def test_wrong_arguments(
    arguments: list[str], problem: str, files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files({'a.jpg': JPG})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=problem):
        main(arguments)
    assert [path.name for path in tmp_path.iterdir()] == ['a.jpg']


def test_large_photographs_are_named(files, capsys) -> None:
    root = files({f'cat/{n}.jpg': picture(size=(2000, 1500)) for n in range(2)})
    main([str(root), '--out', str(root / 's.py')])
    assert 'up to 2000 pixels wide and high: copies' in capsys.readouterr().out
