"""Tests of tools/dataset_converters/make_shapes_voc.py."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from mmdrs.errors import InputError

TOOL = Path(__file__).parents[2] / 'tools' / 'dataset_converters' / 'make_shapes_voc.py'


@pytest.fixture(scope='module')
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('make_shapes_voc', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def shapes(tool: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out_dir = tmp_path_factory.mktemp('shapes') / 'set'
    assert tool.make_shapes_voc(out_dir, 24, 6, size=64, num_classes=5, seed=3) is True
    return out_dir


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file()
    }


def read_list(folder: Path, name: str) -> list[str]:
    return (folder / 'ImageSets' / 'Segmentation' / name).read_text().splitlines()


def test_layout(shapes: Path) -> None:
    train, val = read_list(shapes, 'train.txt'), read_list(shapes, 'val.txt')
    assert train == [f'train_{index:06d}' for index in range(24)]
    assert val == [f'val_{index:06d}' for index in range(6)]
    for folder, suffix in (
        ('JPEGImages', 'jpg'),
        ('SegmentationClass', 'png'),
        ('saliency_map', 'png'),
    ):
        assert sorted(path.name for path in (shapes / folder).iterdir()) == [
            f'{name}.{suffix}' for name in train + val
        ]
    assert [path.name for path in shapes.parent.iterdir()] == ['set']  # nothing temporary is left


def test_image_formats(shapes: Path) -> None:
    with Image.open(shapes / 'JPEGImages' / 'val_000002.jpg') as image:
        assert (image.format, image.mode, image.size) == ('JPEG', 'RGB', (64, 64))
    with Image.open(shapes / 'SegmentationClass' / 'val_000002.png') as mask:
        assert (mask.mode, mask.size) == ('P', (64, 64))
        # Colours of the VOC development kit for background and the first five classes.
        assert mask.getpalette()[:18] == [
            *(0, 0, 0),
            *(128, 0, 0),
            *(0, 128, 0),
            *(128, 128, 0),
            *(0, 0, 128),
            *(128, 0, 128),
        ]
    with Image.open(shapes / 'saliency_map' / 'val_000002.png') as saliency:
        assert (saliency.mode, saliency.size) == ('L', (64, 64))


def test_same_seed_gives_identical_files(tool: ModuleType, shapes: Path, tmp_path: Path) -> None:
    tool.make_shapes_voc(tmp_path / 'again', 24, 6, size=64, num_classes=5, seed=3)
    assert contents(tmp_path / 'again') == contents(shapes)


def test_an_image_depends_on_seed_split_and_index_alone(
    tool: ModuleType, shapes: Path, tmp_path: Path
) -> None:
    tool.make_shapes_voc(tmp_path / 'fewer', 2, 1, size=64, num_classes=5, seed=3)
    tool.make_shapes_voc(tmp_path / 'other', 2, 1, size=64, num_classes=5, seed=4)
    expected, other = contents(shapes), contents(tmp_path / 'other')
    images = {
        name: data
        for name, data in contents(tmp_path / 'fewer').items()
        if name.endswith(('.jpg', '.png'))
    }
    assert len(images) == 9
    for name, data in images.items():
        assert data == expected[name]
        assert data != other[name]


def test_saliency_is_a_cue_but_imperfect(shapes: Path) -> None:
    hits = misses = extra = 0
    for name in read_list(shapes, 'train.txt'):
        mask = np.array(Image.open(shapes / 'SegmentationClass' / f'{name}.png')) > 0
        salient = np.array(Image.open(shapes / 'saliency_map' / f'{name}.png')) > 50
        hits += (mask & salient).sum()
        misses += (mask & ~salient).sum()
        extra += (~mask & salient).sum()
    assert 0.6 < hits / (hits + misses + extra) < 0.9
    assert misses > 0.02 * hits
    assert extra > 0.02 * hits


def test_emblem_is_small_and_tells_the_class_by_its_saturation(tool: ModuleType) -> None:
    """The emblem covers under a tenth of its body, whose chroma is several times weaker."""
    areas, emblem_chroma, body_chroma = [], [], []
    for index in range(12):
        rng = np.random.default_rng([0, 0, index])
        image = tool.draw_background(rng, 64)
        for shape in tool.place_shapes(rng, 64, 5):
            image = tool.draw_shape(rng, image, shape, 5)
            spread = image.max(axis=2) - image.min(axis=2)
            areas.append(shape.plate.sum() / shape.body.sum())
            emblem_chroma.append(spread[shape.sign == 1].mean())
            body_chroma.append(spread[(shape.body == 1) & (shape.plate == 0)].mean())
    assert max(areas) < 0.2
    assert np.mean(areas) < 0.1
    assert min(emblem_chroma) > 4 * np.mean(body_chroma)


def test_body_tint_wanders_around_the_hue_of_its_class(tool: ModuleType) -> None:
    """Averaged over bodies the tint points to the class; the hue of one place often does not."""
    for label in (1, 3):
        hue = 2 * np.pi * (label - 1) / 5
        along, means = [], []
        for index in range(20):
            rng = np.random.default_rng([1, label, index])
            attempts = (tool.place_shape(rng, 64, label, 1.0) for _ in range(50))
            shape = next(attempt for attempt in attempts if attempt is not None)
            grey = np.full((64, 64, 3), 0.5)
            image = tool.draw_shape(rng, grey, shape, 5)
            inside = (shape.body == 1) & (shape.plate == 0)
            along.append(image[inside] @ tool.chroma(hue))
            means.append(along[-1].mean())
        local = np.concatenate(along) / tool.BODY_TINT  # cosine of the angle to the class's hue
        assert 0.4 < np.mean(means) / tool.BODY_TINT < 0.75
        assert 0.1 < (local < 0).mean() < 0.4


def test_complete_data_set_is_kept(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out_dir = tmp_path / 'set'
    arguments = [str(out_dir), '--train-images', '2', '--val-images', '1', '--size', '32']
    tool.main(arguments)
    marker = out_dir / 'JPEGImages' / 'train_000000.jpg'
    before = marker.stat().st_mtime_ns
    tool.main(arguments)
    assert marker.stat().st_mtime_ns == before
    assert capsys.readouterr().out.splitlines() == [
        f'{out_dir}: written',
        f'{out_dir}: complete already, kept',
    ]


def test_other_settings_are_an_error(tool: ModuleType, tmp_path: Path) -> None:
    tool.make_shapes_voc(tmp_path / 'set', 1, 1, size=32)
    before = contents(tmp_path / 'set')
    with pytest.raises(InputError, match='other settings.*choose another folder'):
        tool.make_shapes_voc(tmp_path / 'set', 1, 1, size=32, seed=1)
    assert contents(tmp_path / 'set') == before


def test_foreign_folder_is_left_alone(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(SystemExit, match='choose another folder'):
        tool.main([str(tmp_path)])
    assert contents(tmp_path) == {'notes.txt': b'mine'}


@pytest.mark.parametrize(
    ('option', 'value'),
    [('--train-images', 0), ('--val-images', 0), ('--size', 8), ('--classes', 9), ('--seed', -1)],
)
def test_setting_out_of_range_is_named(
    tool: ModuleType, tmp_path: Path, option: str, value: int
) -> None:
    with pytest.raises(SystemExit, match=f'{option} is {value}; choose'):
        tool.main([str(tmp_path / 'set'), option, str(value)])
    assert not (tmp_path / 'set').exists()


def test_failure_leaves_nothing(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(tool, 'write_split', full_disk)
    with pytest.raises(SystemExit, match='No space left on device'):
        tool.main([str(tmp_path / 'set')])
    assert list(tmp_path.iterdir()) == []
