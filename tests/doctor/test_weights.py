"""Weights that configs name."""

from pathlib import Path

import pytest

from mmdrs.doctor.weights import named_weights, weight_findings


def config(path: str) -> dict:
    init = dict(type='Pretrained', checkpoint=path)
    backbone = dict(type='ResNet', init_cfg=[dict(type='Kaiming', checkpoint='no'), init])
    return dict(model=dict(backbone=backbone), load_from=None)


def test_keys() -> None:
    assert list(named_weights(config('a.pth'))) == [
        ('model.backbone.init_cfg.1.checkpoint', 'a.pth')
    ]
    assert list(named_weights(dict(load_from='b.pth'))) == [('load_from', 'b.pth')]


def test_files(tmp_path: Path) -> None:
    path = tmp_path / 'there.pth'
    path.touch()
    assert weight_findings(dict(net=config(str(path))), {}) == []
    gone = str(tmp_path / 'ther.pth')
    (found,) = weight_findings(dict(net=config(gone), other=config(gone)), {})
    assert found.where == 'net.model.backbone.init_cfg.1.checkpoint'
    assert found.severity == 'error' and "did you mean 'there.pth'" in found.message
    settings = dict(backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=gone)))
    (found,) = weight_findings(dict(net=config(gone)), settings)
    assert found.where == 'backbone.init_cfg.checkpoint'


def test_addresses(served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'a.pth').touch()
    assert weight_findings(dict(net=config(served(tmp_path / 'a.pth'))), {}) == []
    (found,) = weight_findings(dict(net=config(served(tmp_path / 'b.pth'))), {})
    assert 'b.pth' in found.message and '(HTTP Error 404: File not found)' in found.message
    assert found.message.count('\n') == 0
