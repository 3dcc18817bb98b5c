"""Whether a checkpoint fits a model."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModule, BaseTTAModel
from torch import nn

from mmdrs.apis import InputError, MissingFileError, check_checkpoint, require_checkpoint
from mmdrs.apis.checkpoint import check_pretrained


class Net(nn.Module):
    """A backbone of 7 keys (one does not count) and a head of 2."""

    test_step = nn.Module.forward  # a model for augmentation must have one; nothing calls it

    def __init__(self, width: int = 4, classes: int = 3) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, width, 1), nn.BatchNorm2d(width))
        self.decode_head = nn.Linear(width, classes)


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


class Backbone(BaseModule):
    """A module with pretrained weights of 6 keys that count."""

    def __init__(self, init_cfg: object) -> None:
        super().__init__(init_cfg)
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)


class Segmentor(BaseModule):
    def __init__(self, **init_cfg: str) -> None:
        super().__init__()
        self.backbone = Backbone(dict(type='Pretrained', **init_cfg))
        self.decode_head = nn.Conv2d(4, 2, 1)


def filled(value: float) -> dict[str, torch.Tensor]:
    return {key: torch.full_like(v, value) for key, v in Backbone(None).state_dict().items()}


@pytest.mark.parametrize(
    ('start', 'given'),
    [
        ('', None),
        ('module.', None),
        ('backbone.', None),
        ('module.backbone.', None),
        ('backbone.', 'backbone'),
        ('teacher.', 'teacher.'),
    ],
)
def test_pretrained_weights_with_a_prefix(save: Save, start: str, given: str | None) -> None:
    """As classification toolboxes name them; what MMEngine then loads is what the file holds."""
    weights = {start + key: value for key, value in filled(0.5).items()}
    head = {} if start in ('', 'module.') else {'head.fc.weight': torch.ones(2)}
    prefix = {} if given is None else dict(prefix=given)
    model = Segmentor(checkpoint=save(dict(state_dict={**weights, **head})), **prefix)
    check_pretrained(model)
    model.init_weights()
    assert float(model.backbone.conv.weight.min()) == 0.5 == float(model.backbone.norm.bias.max())


@pytest.mark.parametrize(
    ('weights', 'prefix'),
    [
        (dict(net=1, start='features.'), None),
        (dict(net=1, start='features.'), 'backbone.'),
        (dict(net=0, start=''), None),
        (dict(net=1, start='', drop=4), None),
    ],
)
def test_pretrained_weights_that_do_not_fit(save: Save, weights: dict, prefix: str | None) -> None:
    """Of other names, of none, and of too few; the message shows keys of both sides."""
    keys = list(filled(0.5).items())[weights.get('drop', 0) :] if weights['net'] else []
    found = {weights['start'] + key: value for key, value in keys}
    path = save(dict(state_dict={**found, 'fc.weight': torch.ones(2)}))
    model = Segmentor(checkpoint=path, **({} if prefix is None else dict(prefix=prefix)))
    with pytest.raises(InputError) as error:
        check_pretrained(model)
    message = str(error.value)
    assert message.startswith(
        f"model.backbone.init_cfg.checkpoint: checkpoint '{path}' does not fit: "
    )
    assert 'missing in the file: conv.weight' in message
    assert 'only in the file: ' in message and (weights['start'] or 'fc.weight') in message


def test_pretrained_weights_that_are_missing_or_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match='gone'):
        check_pretrained(Segmentor(checkpoint=str(tmp_path / 'gone.pth')))
    check_pretrained(Segmentor(checkpoint='https://example.invalid/a.pth'), download=False)


def test_a_backbone_that_translates_keys(save: Save) -> None:
    """It knows names that are not those of its state; only a file without any is refused."""

    class Translating(Backbone):
        def init_weights(self) -> None:
            """Reads the file by itself."""

    model = Segmentor(checkpoint='')
    for weights, fits in (({'conv.weight': torch.ones(4, 3, 1, 1)}, True), ({}, False)):
        path = save({**weights, 'other': torch.ones(1)}, f'{fits}.pth')
        model.backbone = Translating(dict(type='Pretrained', checkpoint=path))
        if fits:
            check_pretrained(model)
        else:
            with pytest.raises(InputError, match='does not fit'):
                check_pretrained(model)
