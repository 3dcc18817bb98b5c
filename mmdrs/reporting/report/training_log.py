"""Losses and learning rates of the training stages, from MMEngine's logs."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmdrs.reading import reading


class TrainingCurves(NamedTuple):
    """What a training logged, in arrays of one length.

    ``losses`` has ``loss``, and its parts where there are several; NaN where not logged.
    """

    iterations: np.ndarray
    losses: dict[str, np.ndarray]
    rate: np.ndarray


def read_training(folder: Path) -> TrainingCurves | None:
    """The curves of the training in a folder, resumed or not; None where nothing was logged."""
    # Each run logs into a folder with the time of its start, and a file of that name.
    files = sorted(folder.glob('*/vis_data/*.json'))
    lines = merge_runs([_read_lines(file) for file in files if file.stem == file.parents[1].name])
    if not lines:
        return None
    parts = sorted({name for line in lines for name in line if 'loss_' in name})
    names = ['loss', *(parts if len(parts) > 1 else ())]  # a single part is the whole
    losses = {name: _column(lines, name) for name in names}
    return TrainingCurves(_column(lines, 'iter'), losses, _column(lines, 'lr'))


def merge_runs(runs: Sequence[Sequence[dict]]) -> list[dict]:
    """The log lines of a training that was stopped and resumed, by iteration.

    Where several runs have the same iterations, the lines of the one that got further count. The
    order in which they ran does not matter: it is known by the clock only, which may be set back.

    Args:
        runs: The lines of each run, with ``iter``.
    """
    merged: list[dict] = []
    for run in sorted(filter(None, runs), key=lambda lines: lines[-1]['iter']):
        merged = [line for line in merged if line['iter'] < run[0]['iter']] + list(run)
    return merged


def _read_lines(path: Path) -> list[dict]:
    """The lines of a training; others are of a validation, or were cut off by a stop."""
    lines = []
    with reading(path, 'log of a training'):
        texts = path.read_text(encoding='utf-8', errors='replace').splitlines()
    for text in texts:
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and {'iter', 'loss', 'lr'} <= line.keys():
            numbers = {k: float(v) for k, v in line.items() if isinstance(v, float | int)}
            if {'iter', 'loss', 'lr'} <= numbers.keys():
                lines.append(numbers)
    return lines


def _column(lines: Sequence[dict], name: str) -> np.ndarray:
    return np.array([line.get(name, np.nan) for line in lines], float)
