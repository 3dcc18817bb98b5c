"""Losses and learning rates of the training stages, from MMEngine's logs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class TrainingCurves:
    """What a training logged; all arrays have one length.

    Attributes:
        iterations: Where it was logged, ascending.
        losses: By name: ``loss``, and its parts where there are several; NaN where not logged.
        rate: The learning rate.
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
    names = sorted({name for line in lines for name in line if 'loss_' in name})
    # A single part is the whole.
    parts = {name: _column(lines, name) for name in names if len(names) > 1}
    losses = dict(loss=_column(lines, 'loss'), **parts)
    return TrainingCurves(_column(lines, 'iter'), losses, _column(lines, 'lr'))


def merge_runs(runs: Sequence[Sequence[dict]]) -> list[dict]:
    """One sequence of log lines from those of a training that was stopped and resumed.

    Args:
        runs: The lines of each run, oldest first, with ``iter``.

    Returns:
        The lines by iteration; where a later run repeated iterations, its lines count.
    """
    merged: list[dict] = []
    for run in runs:
        if run:
            merged = [line for line in merged if line['iter'] < run[0]['iter']] + list(run)
    return merged


def _read_lines(path: Path) -> list[dict]:
    """The lines of a training; others are of a validation, or were cut off by a stop."""
    lines = []
    for text in path.read_text().splitlines():
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            continue
        if isinstance(line, dict) and {'iter', 'loss', 'lr'} <= line.keys():
            lines.append(line)
    return lines


def _column(lines: Sequence[dict], name: str) -> np.ndarray:
    return np.array([line.get(name, np.nan) for line in lines], float)
