"""The stepped polynomial schedule against its equation."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmseg.registry import PARAM_SCHEDULERS


def schedule(**arguments) -> tuple[torch.optim.SGD, object]:
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [dict(params=[p], lr=lr) for p, lr in zip(parameters, (1.0, 10.0), strict=True)]
    optimizer = torch.optim.SGD(groups)
    config = ConfigDict(type='SteppedPolyLR', **arguments)
    wrapper = OptimWrapper(optimizer)
    return optimizer, PARAM_SCHEDULERS.build(config, default_args=dict(optimizer=wrapper))


def rates(optimizer: torch.optim.SGD, scheduler, steps: int) -> list[list[float]]:
    found = []
    for _ in range(steps):
        found.append([group['lr'] for group in optimizer.param_groups])
        scheduler.step()
    return found


def test_changes_every_interval_only() -> None:
    optimizer, scheduler = schedule(interval=10, end=40, power=0.9)
    found = rates(optimizer, scheduler, 40)
    for step, (first, second) in enumerate(found):
        expected = (1 - (step // 10 * 10) / 40) ** 0.9
        assert first == pytest.approx(expected) and second == pytest.approx(10 * expected)


def test_resumed_schedule_goes_on() -> None:
    optimizer, scheduler = schedule(interval=4, end=12, power=1)
    rates(optimizer, scheduler, 6)
    state = scheduler.state_dict()
    again, resumed = schedule(interval=4, end=12, power=1)
    resumed.load_state_dict(state)
    for group in again.param_groups:
        group['lr'] = 0.0
    assert rates(again, resumed, 4)[3][0] == pytest.approx(1 - 8 / 12)
