"""The ordered pool: order, errors, stopping, processes."""

import os
import threading
import time
from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest
import torch

from mmdrs.apis.pool import ordered_map
from mmdrs.errors import MissingFileError


def square(value: int) -> int:
    time.sleep(0.02 * (value % 3))  # out of order, where nobody takes care
    return value * value


def process(value: int) -> tuple[int, int, int]:
    return os.getpid(), torch.get_num_threads(), threading.active_count()


def leave_file(folder: Path, value: int) -> int:
    time.sleep(0.01)
    (folder / str(value)).touch()
    return value


def failing(value: int) -> int:
    if value == 5:
        raise MissingFileError('no file 5')
    return value


@pytest.mark.parametrize(('workers', 'chunk'), [(0, 1), (1, 1), (2, 1), (2, 3), (3, 50)])
def test_results_come_in_order(workers: int, chunk: int) -> None:
    found = list(ordered_map(square, range(20), workers, chunk))
    assert found == [value * value for value in range(20)]
    assert list(ordered_map(square, [], workers, chunk)) == []


@pytest.mark.processes
def test_processes_have_one_thread() -> None:
    found = list(ordered_map(process, range(20), 2))
    assert {threads for _, threads, _ in found} == {1}
    assert {active for _, _, active in found} == {1}  # none of ours was forked along
    assert (
        os.getpid() not in {number for number, _, _ in found}
        and len({n for n, _, _ in found}) <= 2
    )


def test_a_caller_may_stop(tmp_path: Path) -> None:
    """Nothing starts before the first result is taken; what waits then is not computed."""
    results = ordered_map(partial(leave_file, tmp_path), range(1000), 2, 4)
    assert list(tmp_path.iterdir()) == []
    assert list(islice(results, 8)) == list(range(8))
    results.close()
    assert len(list(tmp_path.iterdir())) < 500


@pytest.mark.parametrize('workers', [0, 2])
def test_items_are_read_in_parts(workers: int) -> None:
    """A list of millions of images must not be held in memory."""
    numbers = count()
    assert list(islice(ordered_map(abs, numbers, workers, 2), 10)) == list(range(10))
    assert next(numbers) < 1000


@pytest.mark.processes
@pytest.mark.parametrize('workers', [0, 2])
def test_errors_come_as_they_were_raised(workers: int) -> None:
    found = []
    with pytest.raises(MissingFileError) as error:
        for value in ordered_map(failing, range(100), workers, 2):
            found.append(value)
    assert str(error.value) == 'no file 5'
    assert found[:4] == [0, 1, 2, 3] and 6 not in found
