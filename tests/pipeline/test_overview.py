"""The picture at the end of a run."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mmdrs.apis import Segmentor
from mmdrs.pipeline import load_settings
from mmdrs.pipeline.overview import write_overview
from mmdrs.pipeline.runs import stage_runs
from mmdrs.pseudo_labels.map_file import LocalizationMaps, write_maps
from mmdrs.visualization.contact_sheet import GAP, HEADER


def test_photograph_that_was_taken_upright(tmp_path: Path) -> None:
    """EXIF says to turn it: the picture shows it, and its map, as the network saw it."""
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, :40, 0] = 255  # the left half is red: turned by 90 degrees it is at the top
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / 'x').mkdir()
    Image.fromarray(pixels).save(tmp_path / 'x' / 'a.jpg', exif=exif)
    (tmp_path / 'list.txt').write_text('x/a 0')
    values = np.zeros((1, 80, 40), np.uint8)
    values[:, :40] = 255
    write_maps(
        tmp_path / 'drs_maps' / 'train' / 'x' / 'a.npz', LocalizationMaps((0,), values, (80, 40))
    )
    dataset = dict(
        type='ImageLabelDataset',
        ann_file=str(tmp_path / 'list.txt'),
        data_prefix=dict(img_path=str(tmp_path)),
        metainfo=dict(classes=('background', 'cat')),
        _scope_='mmseg',
    )
    config = Config(dict(test_dataloader=dict(dataset=dataset)))
    run = SimpleNamespace(splits=['train'], split_config=lambda split: config)
    path = write_overview(tmp_path, {'drs_maps': run})
    with Image.open(path) as sheet:
        picture = np.asarray(sheet)
    height, width = 128, 120  # of a cell; the image itself is 64 wide
    assert picture.shape == (HEADER + height + GAP, GAP + 2 * (width + GAP), 3)
    for column, red in ((0, 200), (1, 80)):
        left = GAP + column * (width + GAP)
        cell = picture[HEADER : HEADER + height, left : left + 64].astype(int)
        assert cell[: height // 2 - 8, :, 0].mean() > red
        assert cell[height // 2 + 8 :, :, 0].mean() < 20
    assert (picture[HEADER : HEADER + height, GAP + 64 : GAP + width] == 255).all()


def test_predictions_that_no_evaluation_has_stored(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where there are no masks to score with: the column is the same, and is left out last."""
    runs = stage_runs(load_settings(copied / 'settings.py'), copied)
    predicted, predict = [], Segmentor.predict

    def recorded(self: Segmentor, image: str) -> object:
        predicted.append(Path(image).stem)
        return predict(self, image)

    monkeypatch.setattr(Segmentor, 'predict', recorded)
    stored = _pixels(write_overview(copied, runs))
    assert not predicted
    shutil.rmtree(copied / 'evaluation' / 'predictions')
    np.testing.assert_array_equal(_pixels(write_overview(copied, runs)), stored)
    assert predicted == [f'img_{number}' for number in range(6)]
    shutil.rmtree(copied / 'segmentation')
    without = _pixels(write_overview(copied, runs))
    assert len(predicted) == 6
    assert len(without) == len(stored)
    columns = [round((len(picture[0]) - GAP) / 157) for picture in (stored, without)]
    assert columns[0] == columns[1] + 1


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)
