"""The growth part at a size that a test can wait for."""

import subprocess
import sys

import torch

from benchmarks.growth import _peak_megabytes, measure_growth


def test_rows_of_two_sizes() -> None:
    *rows, memory = measure_growth(torch.device('cpu'), 1, counts=(70, 140))
    assert [row.what for row in rows] == ['maps of 70 images', 'maps of 140 images']
    assert rows[0].ratio.median == 1
    assert rows[1].ratio.median == rows[1].ours.median / rows[0].ours.median
    assert all('1 file an image' in row.note for row in rows)
    assert memory.unit == 'kB' and memory.ratio is None


def test_peak_is_that_of_the_process_alone() -> None:
    """A child's peak does not begin with its parent's, here some 400 MB more."""
    block = bytearray(b'x') * (400 * 2**20)
    own = _peak_megabytes()
    code = 'from benchmarks.growth import _peak_megabytes; print(_peak_megabytes())'
    run = subprocess.run([sys.executable, '-c', code], capture_output=True, check=True, text=True)
    assert len(block) and 50 < float(run.stdout.splitlines()[-1]) < own - 100
