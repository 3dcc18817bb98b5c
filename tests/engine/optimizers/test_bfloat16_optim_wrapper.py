"""Mixed precision without an accelerator."""

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn


def test_forward_in_bfloat16_and_weights_in_float32() -> None:
    """One step of SGD against the gradient by hand; all values are exact in bfloat16."""
    layer = nn.Linear(3, 1, bias=False)
    weight = torch.tensor([[0.5, -0.25, 1.0]])
    layer.weight.data.copy_(weight)
    inputs = torch.tensor([[1.0, 2.0, 0.5], [0.0, 4.0, 2.0]])
    config = dict(type='Bfloat16OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    wrapper = build_optim_wrapper(layer, config)
    with wrapper.optim_context(layer):
        output = layer(inputs)
    assert output.dtype == torch.bfloat16 and layer(inputs).dtype == torch.float32
    wrapper.update_params(output.float().square().mean())
    # Outputs 0.5 and 1; the gradient is the mean of 2 * output * input.
    gradient = (2 * 0.5 * inputs[0] + 2 * 1.0 * inputs[1]) / 2
    assert layer.weight.dtype == torch.float32
    torch.testing.assert_close(layer.weight.data, weight - 0.1 * gradient[None])


def test_accumulation() -> None:
    """The weights change every second step only."""
    model = nn.Linear(2, 1)
    config = dict(
        type='Bfloat16OptimWrapper',
        optimizer=dict(type='SGD', lr=0.1),
        accumulative_counts=2,
    )
    wrapper = build_optim_wrapper(model, config)
    before = model.weight.detach().clone()
    changed = []
    for _ in range(2):
        with wrapper.optim_context(model):
            loss = model(torch.ones(1, 2)).float().sum()
        wrapper.update_params(loss)
        changed.append(not torch.equal(before, model.weight))
    assert changed == [False, True]
    with pytest.raises(TypeError):
        build_optim_wrapper(model, dict(config, loss_scale=2.0))
