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


def read_training(work_dir: Path, stage: str) -> TrainingCurves | None:
    """The curves of a training stage, resumed or not; None where nothing was logged."""
    # Each run logs into a folder with the time of its start, and a file of that name.
    files = sorted((work_dir / stage).glob('*/vis_data/*.json'))
    runs = [_read_lines(file) for file in files if file.stem == file.parents[1].name]
    lines = merge_runs(runs)
    return _curves(lines) if lines else None


def merge_runs(runs: Sequence[Sequence[dict]]) -> list[dict]:
    """One sequence of log lines from those of a training that was stopped and resumed.

    Args:
        runs: The lines of each run, oldest first, with ``iter``.

    Returns:
        The lines by iteration; where a later run did iterations again, its lines stand.
    """
    merged: list[dict] = []
    for run in runs:
        if run:
            first = run[0]['iter']
            merged = [line for line in merged if line['iter'] < first] + list(run)
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


def _curves(lines: Sequence[dict]) -> TrainingCurves:
    names = {name for line in lines for name in line if 'loss_' in name}
    parts = {name: _column(lines, name) for name in sorted(names)}
    total = _column(lines, 'loss')
    if len(parts) < 2:  # the only part is the whole
        parts = {}
    return TrainingCurves(_column(lines, 'iter'), {'loss': total, **parts}, _column(lines, 'lr'))


def _column(lines: Sequence[dict], name: str) -> np.ndarray:
    return np.array([line.get(name, np.nan) for line in lines], float)
