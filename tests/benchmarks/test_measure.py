"""What is made of measurements; clocks are not tested."""

import pytest
import torch

from benchmarks.measure import Row, Spread, compare, time_in_turn, to_json, to_markdown


def test_ratio_is_of_the_pairs() -> None:
    """Median of 2/1, 3/4 and 9/3, not of the sides' medians."""
    row = compare('layer', 'x', 's', [2, 3, 9], [1, 4, 3], 'other', '<= 2.5')
    assert row.ours == Spread(3, 2, 9) and row.other == Spread(3, 1, 4)
    assert row.ratio == Spread(2, 0.75, 3) and row.reached is True


@pytest.mark.parametrize(
    ('target', 'reached'), [('<= 1.9', False), ('>= 2', True), ('>= 2.1', False), ('', None)]
)
def test_targets(target: str, reached: bool | None) -> None:
    assert compare('p', 'w', 's', [4], [2], 'other', target).reached is reached


def test_sides_run_in_turn() -> None:
    """One run of each that is not timed, then pairs."""
    order = []
    sides = dict(a=lambda: order.append('a'), b=lambda: order.append('b'))
    seconds = time_in_turn(sides, 2, torch.device('cpu'))
    assert order == ['a', 'b'] * 3
    assert {name: len(values) for name, values in seconds.items()} == dict(a=2, b=2)


def test_table_and_json() -> None:
    rows = [
        compare('maps', 'three scales', 'images/s', [3.0], [2.0], 'released', '>= 1.6', 'batch 1'),
        Row('growth', 'memory', 'kB', Spread.of([1.5, 2.5])),
    ]
    table = to_markdown(rows).splitlines()
    assert table[2] == (
        '| maps | three scales | images/s | 3 | released | 2 | 1.5 | >= 1.6 (**not reached**) |'
    )
    assert table[3] == '| growth | memory | kB | 2 (1.5 to 2.5) | - | - | - | - |'
    assert table[-1] == '* maps, three scales: batch 1'
    found = to_json(rows, torch.device('cpu'))
    assert found['rows'][0]['ratio'] == dict(median=1.5, least=1.5, greatest=1.5)
    assert found['environment']['device'] == 'cpu' and found['environment']['cores'] >= 1
