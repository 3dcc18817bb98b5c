"""Where weights come from, and what is said where they cannot be had."""

from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from mmdrs.apis.checkpoint import read_checkpoint
from mmdrs.apis.weights import downloaded, weights_address
from mmdrs.errors import InputError

NAME = 'mmcls://mobilenet_v2'


def test_addresses() -> None:
    assert weights_address('https://a.b/c.pth') == 'https://a.b/c.pth'
    assert weights_address(NAME).startswith('https://')
    assert weights_address('open-mmlab://resnet101_v1c').endswith('resnet101_v1c-e67eebb6.pth')
    assert weights_address('s3://bucket/c.pth') is None
    with pytest.raises(InputError, match="no weights 'mmcls://mobilenet_v'; did you mean"):
        weights_address('mmcls://mobilenet_v')


def test_earlier_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    assert downloaded('https://a.b/c.pth') is None
    (tmp_path / 'checkpoints').mkdir()
    (tmp_path / 'checkpoints' / 'c.pth').touch()
    assert downloaded('https://a.b/c.pth') == tmp_path / 'checkpoints' / 'c.pth'


def test_no_network_is_one_line_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise URLError(OSError(-2, 'Name or service not known'))

    loader = 'mmdrs.apis.checkpoint.CheckpointLoader.load_checkpoint'
    monkeypatch.setattr(loader, fail)
    with pytest.raises(InputError) as caught:
        read_checkpoint(NAME)
    message = str(caught.value)
    assert '\n' not in message
    assert f"'{NAME}' cannot be downloaded (Name or service not known): download https:" in message
    assert 'elsewhere, and give the file instead' in message


def test_unknown_name_of_a_collection() -> None:
    with pytest.raises(InputError, match="no weights 'mmcls://nothing'"):
        read_checkpoint('mmcls://nothing')
