"""A deterministic training gives the same weights twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from mmdrs import apis
from tests.pipeline_runs import ROOT


@pytest.fixture
def _restored() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures('_restored')
def test_same_weights_twice(finished: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv('MMDRS_SETTINGS', str(finished / 'settings.py'))
    config = ROOT / 'configs' / 'custom' / 'drs-classifier_custom.py'

    def train(name: str, seed: int) -> dict[str, torch.Tensor]:
        options = {'randomness.deterministic': True, 'randomness.seed': seed}
        cfg = apis.load_config(str(config), options, str(tmp_path / name))
        cfg.experiment_name = f'{tmp_path.name}_{name}'
        apis.train_model(cfg)
        return torch.load(tmp_path / name / 'epoch_2.pth', weights_only=True)['state_dict']

    first, second, other = train('first', 3), train('second', 3), train('other', 4)
    assert torch.are_deterministic_algorithms_enabled()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
