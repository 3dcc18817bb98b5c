"""tools/visualization/gallery.py: a finished pipeline on photographs of scikit-image."""

import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from mmseg.apis import inference_model, init_model
from PIL import Image

from mmdrs.models.decode_heads.cam_head import image_scores
from mmdrs.models.utils.cam import resize_array
from mmdrs.visualization import heat_map
from mmdrs.visualization.contact_sheet import GAP, HEADER
from tests.pipeline_runs import load_tool

PALETTE = np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]])
HEIGHT, WIDTH = 300, 451  # of chelsea, which is shown at its own size
CLASSES = ('disc', 'bar', 'cross')


@pytest.fixture(scope='module')
def tool() -> ModuleType:
    return load_tool('visualization/gallery')


@pytest.fixture
def unfinished(finished: Path, tmp_path: Path) -> Path:
    """A run without a plain classifier, whose segmentation network is in training."""
    copy = shutil.copytree(finished, tmp_path / 'unfinished')
    shutil.rmtree(copy / 'plain_classifier')
    (copy / 'segmentation' / 'done.json').unlink()
    return copy


def make(tool: ModuleType, work_dir: Path, out: Path, *arguments: str) -> np.ndarray:
    tool.main([str(work_dir), *arguments, '--out', str(out), '--height', str(HEIGHT)])
    with Image.open(out) as picture:
        return np.asarray(picture)


def cell(picture: np.ndarray, row: int, column: int, width: int = WIDTH) -> np.ndarray:
    """A cell of the table; all columns have the width of chelsea."""
    top, left = HEADER + row * (HEIGHT + GAP), GAP + column * (WIDTH + GAP)
    return picture[top : top + HEIGHT, left : left + width]


def test_photographs_through_all_networks(tool, finished: Path, tmp_path: Path, capsys) -> None:
    arguments = 'skimage:chelsea', 'skimage:astronaut', '--labels', 'bar;bar,disc'
    picture = make(tool, finished, tmp_path / 'gallery.png', *arguments)
    assert 'no column' not in capsys.readouterr().out
    assert picture.shape[1] == GAP + 5 * (WIDTH + GAP)
    table = HEADER + 2 * (HEIGHT + GAP)
    assert table < picture.shape[0] < table + 3 * HEADER  # and a legend
    chelsea = skimage.data.chelsea()
    np.testing.assert_array_equal(cell(picture, 0, 0), chelsea)
    astronaut = Image.fromarray(skimage.data.astronaut()).resize((HEIGHT, HEIGHT), Image.LANCZOS)
    np.testing.assert_array_equal(cell(picture, 1, 0, HEIGHT), np.asarray(astronaut))
    assert (cell(picture, 1, 0)[:, HEIGHT:] == 255).all()

    stored = finished / 'segmentation'
    model = init_model(
        stored / 'segmentation_custom.py', str(stored / 'epoch_1.pth'), device='cpu'
    )
    label = inference_model(model, np.ascontiguousarray(chelsea[..., ::-1])).pred_sem_seg.data[0]
    label = label.numpy()
    assert len(np.unique(label)) > 1 and (label == 0).any()
    expected = np.where(label[..., None] > 0, 0.4 * chelsea + 0.6 * PALETTE[label], chelsea)
    np.testing.assert_allclose(cell(picture, 0, 4), expected, atol=1)
    for index in np.unique(label)[1:]:  # the legend
        assert (picture[table:] == PALETTE[index]).all(axis=-1).sum() >= 100


def test_maps_are_of_the_named_classes(tool, finished: Path, tmp_path: Path) -> None:
    chelsea = skimage.data.chelsea()
    pictures = {
        name: make(tool, finished, tmp_path / f'{name}.png', 'skimage:chelsea', '--labels', name)
        for name in ('disc', 'cross')
    }
    networks = tool.finished_networks(finished)
    Image.fromarray(chelsea).save(tmp_path / 'chelsea.png')
    stages = ('plain_classifier', 'drs_classifier', 'refinement')
    for column, stage in enumerate(stages, 1):
        cells = {name: cell(picture, 0, column) for name, picture in pictures.items()}
        for name, index in (('disc', 0), ('cross', 2)):
            path = tmp_path / 'chelsea.png'
            maps = tool.inference_maps(networks[stage], path, [index])[[index]]
            heat = heat_map(chelsea, resize_array(maps, chelsea.shape[:2]))
            np.testing.assert_array_equal(cells[name][30:], heat[30:])  # below its name
            assert (cells[name][:30, :60] != heat[:30, :60]).any()
        names = [cells[name][:30, :60] for name in cells]
        assert (names[0] != names[1]).any()
        if stage != 'refinement':  # in its one epoch it learns to give nothing
            assert (cells['disc'][30:] != cells['cross'][30:]).mean() > 0.2


def test_columns_of_unfinished_trainings_are_left_out(
    tool, unfinished: Path, finished: Path, tmp_path: Path, capsys
) -> None:
    whole, part = (
        make(tool, folder, tmp_path / f'{folder.name}.png', 'skimage:chelsea', '--labels', 'disc')
        for folder in (finished, unfinished)
    )
    printed = capsys.readouterr().out
    assert "no column 'plain map': plain_classifier: not run yet\n" in printed
    assert "no column 'prediction': segmentation: not finished\n" in printed
    assert part.shape == (HEADER + HEIGHT + GAP, GAP + 3 * (WIDTH + GAP), 3)
    for column, found in enumerate((0, 2, 3)):
        np.testing.assert_array_equal(cell(part, 0, column), cell(whole, 0, found))


@pytest.mark.parametrize(
    ('scores', 'chosen'),
    [((-1, -2, 3), [2]), ((1, -2, 3), [0, 2]), ((-3, -1, -2), [1])],
)
def test_classes_of_an_image_without_labels(tool, scores, chosen, monkeypatch, capsys) -> None:
    """Those above 0.5, at least the best one; a score is the mean of a class map."""
    noise = torch.tensor([[-4.0, 4.0], [1.0, -1.0]])
    maps = torch.tensor(scores, dtype=torch.float)[:, None, None] + noise
    monkeypatch.setattr(tool, 'inference_class_maps', lambda model, path: maps)
    head = SimpleNamespace(image_scores=image_scores)
    model = SimpleNamespace(dataset_meta=dict(classes=('background', *CLASSES)), decode_head=head)
    photograph = SimpleNamespace(name='a.jpg', path='a.jpg')
    assert tool.image_labels(None, [photograph], {'plain_classifier': model}) == [chosen]
    printed = capsys.readouterr().out
    for index in chosen:
        assert f'{CLASSES[index]} ({1 / (1 + np.exp(-scores[index])):.2f})' in printed
    assert sum(name in printed for name in CLASSES) == len(chosen)
    assert printed.startswith('a.jpg: ') and 'as plain_classifier says' in printed


def test_labels_of_the_command_line_and_of_a_list(tool, tmp_path: Path) -> None:
    images = ['some/where/b.jpg', 'skimage:chelsea', 'c.png']
    assert tool.given_labels('bar; cross ,disc;', images, CLASSES) == [[1], [0, 2], []]
    listed = tmp_path / 'list.txt'
    listed.write_text('chelsea cross\nwhere/b bar disc\nc.png 0\n')
    assert tool.given_labels(str(listed), images, CLASSES) == [[0, 1], [2], [0]]
    with pytest.raises(tool.InputError, match=r'list.txt: does not list d.jpg; add a line: d CL'):
        tool.given_labels(str(listed), ['d.jpg'], CLASSES)


def test_wrong_labels(tool, finished: Path, tmp_path: Path) -> None:
    for labels, message in (
        ('dsic', r"error: --labels: unknown class 'dsic' \(did you mean 'disc'\?\)"),
        ('background', "unknown class 'background'"),
        ('disc;bar', '2 sets of classes for 1 images'),
        ('gone.txt', 'gone.txt: no such list of images'),
    ):
        with pytest.raises(SystemExit, match=message):
            make(tool, finished, tmp_path / 'a.png', 'skimage:chelsea', '--labels', labels)
    assert list(tmp_path.iterdir()) == []


def test_other_errors(tool, finished: Path, tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / 'a.png'
    with pytest.raises(SystemExit, match="no such photograph; did you mean 'chelsea'"):
        make(tool, finished, out, 'skimage:chelsae')
    with pytest.raises(SystemExit, match='there is no image gone.jpg'):
        make(tool, finished, out, 'gone.jpg')
    with pytest.raises(SystemExit, match='no work directory of mmdrs run'):
        make(tool, tmp_path, out, 'skimage:chelsea')
    Image.fromarray(skimage.data.chelsea()).save(out)
    with pytest.raises(SystemExit):  # it would overwrite the photograph
        make(tool, finished, out, str(out))
    monkeypatch.setitem(sys.modules, 'skimage.data', None)
    with pytest.raises(SystemExit, match='pip install scikit-image'):
        make(tool, finished, tmp_path / 'b.png', 'skimage:chelsea')
    assert make(tool, finished, tmp_path / 'b.png', str(out)).any()  # a file needs none


def test_upright_photograph(tool, unfinished: Path, tmp_path: Path) -> None:
    """EXIF says to turn it: 300 x 451, and a row of 451 pixels shows it as it is."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / 'turned.png'
    Image.fromarray(skimage.data.chelsea()).save(path, exif=exif)
    arguments = [str(unfinished), str(path), '--labels', 'disc', '--height', str(WIDTH)]
    tool.main([*arguments, '--out', str(tmp_path / 'a.png')])
    picture = cv2.imread(str(tmp_path / 'a.png'))[..., ::-1]
    shown = picture[HEADER : HEADER + WIDTH, GAP : GAP + HEIGHT]
    np.testing.assert_array_equal(shown, np.rot90(skimage.data.chelsea(), -1))


def test_photographs_of_any_size(tool, unfinished: Path, tmp_path: Path, capsys) -> None:
    sizes = dict(large=(1500, 2250), panorama=(100, 900), tower=(900, 100), dot=(3, 2))
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2250, 3)).astype(np.uint8)
    paths = {name: tmp_path / f'{name}.png' for name in sizes}
    for name, (height, width) in sizes.items():
        Image.fromarray(noise[:height, :width]).save(paths[name])
    labels = ';'.join(['disc,bar,cross'] * 4)
    arguments = *map(str, paths.values()), '--labels', labels
    picture = make(tool, unfinished, tmp_path / 'gallery.jpg', *arguments)
    assert 'large.png: 2250 x 1500 pixels, made smaller: 1254 x 836' in capsys.readouterr().out
    widest = round(1.6 * HEIGHT)
    assert picture.shape == (HEADER + 4 * (HEIGHT + GAP), GAP + 3 * (widest + GAP), 3)
