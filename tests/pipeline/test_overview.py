"""The picture at the end of a run."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from mmengine.config import Config
from PIL import Image

from mmdrs.pipeline.overview import write_overview
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
