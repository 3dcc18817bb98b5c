"""Rounds of a real training: when the teacher changes, and that a stopped one goes on exactly."""

from pathlib import Path

import pytest
import torch

from mmdrs import apis
from mmdrs.engine import ForegroundRoundHook
from mmdrs.errors import InputError
from tests.pipeline_runs import foreground_settings


@pytest.fixture
def train(finished: Path, tiny_voc: Path, tmp_path: Path):
    """Train the foreground, and return its checkpoints by epoch."""
    settings = foreground_settings(tiny_voc)

    def run(name: str, epochs: int, resume: bool = False) -> dict[int, dict[str, torch.Tensor]]:
        folder = tmp_path / name
        cfg = settings.stage_config('foreground', folder)
        cfg.train_cfg.max_epochs = epochs
        cfg.default_hooks.checkpoint.max_keep_ckpts = -1
        maps = finished / 'plain_maps' / 'train'
        cfg.train_dataloader.dataset.data_prefix['map_path'] = str(maps)
        cfg.experiment_name = f'{tmp_path.name}_{name}_{epochs}'
        apis.train_model(cfg, resume=resume)
        return {
            epoch: apis.read_checkpoint(str(folder / f'epoch_{epoch}.pth'))['state_dict']
            for epoch in range(1, epochs + 1)
        }

    return run


def part(state: dict[str, torch.Tensor], start: str) -> dict[str, torch.Tensor]:
    found = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
    assert found
    return found


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_the_teacher_changes_at_the_end_of_rounds_only(train) -> None:
    """And a training that was stopped within the second round has the same weights."""
    states = train('whole', 4)
    teachers = {epoch: part(state, 'decode_head.teacher.') for epoch, state in states.items()}
    assert [int(states[epoch]['decode_head.round']) for epoch in (1, 2, 3, 4)] == [0, 1, 1, 2]
    for ending in (2, 4):
        assert same(part(teachers[ending], '0.'), part(states[ending], 'decode_head.hidden.'))
        assert same(part(teachers[ending], '1.'), part(states[ending], 'decode_head.conv_seg.'))
    assert same(teachers[2], teachers[3]) and not same(teachers[1], teachers[2])
    assert not same(part(states[2], 'decode_head.hidden.'), part(states[3], 'decode_head.hidden.'))
    assert same(part(states[1], 'backbone.'), part(states[4], 'backbone.'))
    train('stopped', 3)
    assert same(train('stopped', 4, resume=True)[4], states[4])


@pytest.mark.parametrize('epochs', [0, 1.5, True])
def test_wrong_length(epochs: object) -> None:
    with pytest.raises(InputError, match='epochs must be 1, 2, ..., got'):
        ForegroundRoundHook(epochs)
