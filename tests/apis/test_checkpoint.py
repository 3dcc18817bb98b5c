"""Whether a checkpoint fits a model."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseTTAModel
from torch import nn

from mmdrs.apis import InputError, MissingFileError, check_checkpoint, require_checkpoint


class Net(nn.Module):
    """A backbone of 7 keys (one does not count) and a head of 2."""

    def __init__(self, width: int = 4, classes: int = 3) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, width, 1), nn.BatchNorm2d(width))
        self.decode_head = nn.Linear(width, classes)

    def test_step(self, data: dict) -> None:
        """Here because a model for augmentation must have it."""


class TTA(BaseTTAModel):
    def merge_preds(self, data_samples_list: list) -> list:
        return data_samples_list


Save = Callable[..., str]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def save(content: object, name: str = 'a.pth') -> str:
        torch.save(content, tmp_path / name)
        return str(tmp_path / name)

    return save


@pytest.mark.parametrize('purpose', ['test', 'resume', 'finetune'])
def test_fitting_checkpoints(save: Save, purpose: str) -> None:
    weights = Net().state_dict()
    check_checkpoint(Net(), save({'state_dict': weights, 'meta': {}}), purpose)
    check_checkpoint(Net(), save(weights), purpose)
    check_checkpoint(TTA(Net()), save(weights), purpose)
    check_checkpoint(
        Net(), save({f'module.{key}': value for key, value in weights.items()}), purpose
    )
    old = {key: value for key, value in weights.items() if 'num_batches' not in key}
    check_checkpoint(Net(), save(old), purpose)
    check_checkpoint(Net(), save({**weights, 'auxiliary_head.weight': torch.ones(1)}), purpose)


@pytest.mark.parametrize('purpose', ['test', 'resume'])
def test_missing_or_reshaped_keys(save: Save, purpose: str) -> None:
    weights = Net().state_dict()
    weights['extra.weight'] = torch.ones(1)
    del weights['backbone.1.running_mean']
    with pytest.raises(InputError) as error:
        check_checkpoint(Net(classes=5), save(weights, 'other.pth'), purpose)
    message = str(error.value)
    assert "other.pth' does not fit the model: 5 of its 8 keys match" in message
    assert 'missing in the file: backbone.1.running_mean;' in message
    assert 'decode_head.weight ((3, 4) in the file, (5, 4) in the model)' in message
    assert 'only in the file: extra.weight' in message


def test_finetuning_may_change_the_head(save: Save) -> None:
    check_checkpoint(Net(classes=5), save(Net().state_dict()), 'finetune')


def test_finetuning_needs_half_of_the_backbone(save: Save) -> None:
    weights = Net().state_dict()
    for key in ('0.weight', '0.bias', '1.weight'):
        del weights[f'backbone.{key}']
    check_checkpoint(Net(), save(weights), 'finetune')  # 3 of 6 are left
    del weights['backbone.1.bias']
    with pytest.raises(InputError, match=r'missing in the file: .*at least half'):
        check_checkpoint(Net(), save(weights), 'finetune')
    with pytest.raises(InputError, match='0 of its 8 keys match'):
        check_checkpoint(Net(), save(nn.Linear(2, 2).state_dict()), 'finetune')


def test_backbone_alone_is_explained(save: Save) -> None:
    with pytest.raises(InputError, match=r'backbone alone.*init_cfg'):
        check_checkpoint(Net(), save(Net().backbone.state_dict()), 'finetune')


def test_unreadable_files(save: Save, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / 'executed'),)

    with pytest.raises(InputError, match=r"evil\.pth' is refused: .*posix\.mkdir"):
        check_checkpoint(Net(), save({'state_dict': {}, 'x': Evil()}, 'evil.pth'), 'test')
    assert not (tmp_path / 'executed').exists()
    whole = Path(save(Net().state_dict(), 'cut.pth'))
    whole.write_bytes(whole.read_bytes()[:700])
    with pytest.raises(InputError, match=r"cut\.pth' is incomplete or no checkpoint"):
        check_checkpoint(Net(), str(whole), 'test')
    whole.write_bytes(b'')
    with pytest.raises(InputError, match=r"cut\.pth' is incomplete or no checkpoint"):
        check_checkpoint(Net(), str(whole), 'test')
    with pytest.raises(InputError, match=r"list\.pth' holds no state dict"):
        check_checkpoint(Net(), save([1, 2], 'list.pth'), 'test')


def test_missing_file(save: Save, tmp_path: Path) -> None:
    save({}, 'iter_2000.pth')
    with pytest.raises(MissingFileError, match=r"did you mean 'iter_2000\.pth'"):
        require_checkpoint(str(tmp_path / 'iter_200.pth'))
    with pytest.raises(MissingFileError, match=r'the folder has iter_2000\.pth'):
        require_checkpoint(str(tmp_path / 'x'))
    require_checkpoint(str(tmp_path / 'iter_2000.pth'))
    require_checkpoint('https://example.org/a.pth')
