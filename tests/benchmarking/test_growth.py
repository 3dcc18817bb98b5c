"""The growth part at a size that a test can wait for."""

import torch

from mmdrs.benchmarking.growth import measure_growth


def test_rows_of_two_sizes() -> None:
    *rows, memory = measure_growth(torch.device('cpu'), 1, counts=(70, 140))
    assert [row.what for row in rows] == ['maps of 70 images', 'maps of 140 images']
    assert rows[0].ratio.median == 1
    assert rows[1].ratio.median == rows[1].ours.median / rows[0].ours.median
    assert all('1 file an image' in row.note for row in rows)
    assert memory.unit == 'kB' and memory.ratio is None
