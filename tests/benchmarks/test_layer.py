"""The networks of the layer's benchmark: equal ones, and what they keep."""

import pytest
import torch
from mmengine.registry import DefaultScope
from mmseg.registry import MODELS
from torch import nn
from torch.testing import assert_close

from benchmarks.composed import ComposedDRS
from benchmarks.layer import networks
from benchmarks.measure import saved_bytes, training_step
from mmdrs.models.backbones.drs_backbone import attach_drs
from mmdrs.models.ops.suppression import suppress


def test_saved_activations_of_vgg16() -> None:
    """At most 1.02 times those of in-place ReLUs; the released layer keeps more than twice."""
    models, images = networks(), torch.randn(1, 3, 64, 64)
    kept = {
        name: saved_bytes(lambda m=model: m(images)[0], list(model.parameters()))
        for name, model in models.items()
    }
    assert kept['plain'] < kept['drs'] <= 1.02 * kept['plain']
    assert kept['learnable'] <= 1.02 * kept['plain']
    assert kept['composed'] > 2 * kept['plain']


def test_saved_bytes_by_hand() -> None:
    """Two convolutions: the image, and the output of the ReLU between them; shared once."""
    net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True), nn.Conv2d(4, 2, 1))
    images = torch.randn(1, 3, 8, 8)
    assert saved_bytes(lambda: net(images), list(net.parameters())) == 4 * 64 * (3 + 4)


def test_both_sides_compute_the_same() -> None:
    models, images = networks(), torch.randn(1, 3, 48, 48)
    gradients = []
    for name in ('drs', 'composed'):
        training_step(models[name], images)
        gradients.append([p.grad for p in models[name].parameters()])
    assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-6)
    x = torch.randn(2, 3, 5, 5)
    assert_close(ComposedDRS(0.4)(x), suppress(x, 0.4))


@pytest.mark.parametrize('kind', ['DRS', 'LearnableDRS'])
def test_takes_over_the_relu_s_memory(kind: str) -> None:
    """In the place of an in-place ReLU the layer is in place, in that of another it is not."""
    for inplace in (True, False):
        backbone = dict(type='DilatedVGG', depths=(2,), channels=(4,), strides=())
        with DefaultScope.overwrite_default_scope('mmseg'):
            plain = MODELS.build(backbone)
            for module in plain.modules():
                if isinstance(module, nn.ReLU):
                    module.inplace = inplace
        model = attach_drs(plain, dict(type=kind), 'default')
        assert {layer.inplace for layer in model.drs.values()} == {inplace}
