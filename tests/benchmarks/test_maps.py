"""The maps of the restated procedure and those of the real test loop, with the same weights."""

from pathlib import Path

import numpy as np
import torch

from benchmarks import maps
from mmdrs.pseudo_labels.map_file import read_maps


def test_both_sides_make_the_same_maps(tmp_path: Path, monkeypatch) -> None:
    for name, value in dict(SIDE=64, SCALES=(48, 64)).items():
        monkeypatch.setattr(maps, name, value)
    torch.manual_seed(0)
    ids = maps.write_voc_images(tmp_path, 2)
    released = maps.ReleasedMaps(tmp_path, ids, torch.device('cpu'))
    with torch.no_grad():  # random weights give flat maps, far above 0
        scores = released.head(released.network(torch.randn(1, 3, 64, 64))[0])
        released.head.bias -= scores.mean(dim=(0, 2, 3))

    cfg = maps.voc_config(tmp_path, 1, {})
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.test_dataloader.dataset.pipeline[1].scale = (64, 64)
    cfg.model.data_preprocessor.size = (64, 64)
    cfg.test_cfg.update(scales=(48, 64), size=(64, 64))
    maker = maps.MapMaker(cfg, tmp_path / 'ours')
    model = maker.runner.model
    model.backbone.load_state_dict(released.network.state_dict())
    model.decode_head.conv_seg.load_state_dict(released.head.state_dict())
    assert maker.rate(2) > 0
    maker.close()

    for name in ids:
        ours, theirs = read_maps(tmp_path / 'ours' / f'{name}.npz'), released.maps(name)
        assert theirs.shape == (20, 64, 64) and ours.values.std() > 10
        difference = np.abs(ours.values.astype(int) - theirs[list(ours.labels)])
        assert difference.max() <= 1 and (difference > 0).mean() <= 0.001


def test_list_of_generated_images(tmp_path: Path) -> None:
    ids = maps.write_voc_images(tmp_path, 3, size=(40, 30))
    lines = (tmp_path / 'train_cls.txt').read_text().splitlines()
    assert [len(line.split()) - 1 for line in lines] == [1, 2, 1]
    assert [line.split()[0] for line in lines] == ids
    assert all((tmp_path / 'JPEGImages' / f'{name}.jpg').is_file() for name in ids)
