"""The cost of DRS in a backbone small enough to count it by hand."""

import pytest
import torch

from benchmarks.backbones import BACKBONES, measure_backbone, networks, table
from benchmarks.measure import Row, compare
from mmdrs.models.backbones.presets import PRESETS

#: Convolutions 3 -> 4, pooling, 4 -> 6, 6 -> 8, each with its ReLU.
TINY = dict(type='DilatedVGG', depths=(1, 1), channels=(4, 6), strides=(2,), extra_channels=(8,))
CHANNELS = (4, 6, 8)
BATCH, SIDE = 2, 16


@pytest.fixture(scope='module')
def rows() -> dict[str, Row]:
    """By what was measured."""
    images = torch.randn(BATCH, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return {row.what: row for row in measure_backbone('tiny', TINY, images, repeats=2)}


def test_parameters_by_hand(rows: dict[str, Row]) -> None:
    """A constant control has none, a controller one for each pair of channels."""
    plain = 4 * (9 * 3 + 1) + 6 * (9 * 4 + 1) + 8 * (9 * 6 + 1)
    added = sum(channels**2 for channels in CHANNELS)
    constant = rows['tiny: parameters, constant control']
    learnable = rows['tiny: parameters, learnable control']
    assert constant.unit == learnable.unit == 'million parameters'
    assert constant.other.median * 1e6 == learnable.other.median * 1e6 == pytest.approx(plain)
    assert constant.ours.median * 1e6 == pytest.approx(plain)
    assert learnable.ours.median * 1e6 == pytest.approx(plain + added)


def test_kept_bytes_by_hand(rows: dict[str, Row]) -> None:
    """In the place of an in-place ReLU only the numbers of each channel are added."""
    pixels, pooled = SIDE**2, (SIDE // 2) ** 2
    maps = 4 * (3 + 4) * pixels + 4 * (4 + 6 + 8) * pooled  # image, ReLU; pooling, two ReLUs
    plain = BATCH * (maps + 8 * 4 * pooled)  # and the positions of the pooling's maxima
    # Maximum (4 bytes) and its position (8) for each image and channel, one number a layer.
    constant = plain + 12 * BATCH * sum(CHANNELS) + 4 * len(CHANNELS)
    # Also the average, the control and what it is at full strength; the number is the strength.
    learnable = constant + 12 * BATCH * sum(CHANNELS)
    for kind, expected in (('constant', constant), ('learnable', learnable)):
        row = rows[f'tiny: kept for the backward pass, {kind} control']
        assert row.unit == 'MB'
        assert row.other.median * 2**20 == plain
        assert row.ours.median * 2**20 == expected


def test_step_is_timed_in_pairs(rows: dict[str, Row]) -> None:
    for kind in ('constant', 'learnable'):
        row = rows[f'tiny: training step, {kind} control']
        assert row.unit == 's' and row.than == 'the same without DRS' and not row.target
        assert row.ours.least > 0 and row.other.least > 0


def test_all_sides_have_the_same_weights() -> None:
    plain, *others = networks(TINY, torch.device('cpu')).values()
    assert plain.training and not hasattr(plain, 'drs')
    for model in others:
        assert model.training and len(model.drs) == len(CHANNELS)
        state = model.state_dict()
        assert all(torch.equal(value, state[key]) for key, value in plain.state_dict().items())


def test_table() -> None:
    def row(what: str, ours: list[float], plain: list[float]) -> Row:
        return compare('backbones', what, '', ours, plain, 'the same without DRS')

    rows = [
        row('Net: parameters, constant control', [2.5], [2.5]),
        row('Net: parameters, learnable control', [3.0], [2.5]),
        row('Net: kept for the backward pass, constant control', [10.5], [10.0]),
        row('Net: kept for the backward pass, learnable control', [11.0], [10.0]),
        row('Net: training step, constant control', [1.0, 2.2, 3.0], [1.0, 2.0, 2.0]),
        row('Net: training step, learnable control', [2.0, 2.5, 2.0], [1.0, 2.0, 2.0]),
    ]
    line = table(rows).splitlines()[2]
    assert line == (
        '| Net | 2.50 | 2.50 | 3.00 | 10.0 | 10.5 (x 1.05) | 11.0 (x 1.10) | x 1.10 | x 1.25 |'
    )


def test_every_preset_is_measured() -> None:
    """VGG is a class of MMCV that no config of MMSegmentation names; ResNetV1c is a ResNet."""
    types = {config['type'].rpartition('.')[2] for config in BACKBONES.values()}
    assert types == set(PRESETS) - {'VGG', 'ResNet'} | {'ResNetV1c'}
