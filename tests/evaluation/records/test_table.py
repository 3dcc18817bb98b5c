"""The table of scores."""

from mmdrs.evaluation.records.record import Evaluation, Protocol, Score
from mmdrs.evaluation.records.table import score_rows, score_table


def scored(metric: str, value: float, time: str, seed: int = 0, crf: str = '') -> Evaluation:
    task = 'seed' if metric == 'coverage' else 'seg'
    score = Score(metric, value, Protocol(crf=crf), {})
    made = dict(config_sha256='c', list=None, weights=None, time=time)
    return Evaluation(task, 'pets', 'val', 2, 'net', 'stage', seed, [score], made)


def test_the_latest_of_a_seed_counts() -> None:
    """It is not averaged with the earlier ones, in whatever order they come."""
    evaluations = [
        scored('coverage', 40.0, '2026-01-02'),
        scored('coverage', 10.0, '2026-01-01'),
        scored('coverage', 60.0, '2026-01-01', seed=1),
        scored('mIoU', 70.0, '2026-01-01'),
        scored('mIoU', 72.0, '2026-01-03', crf='10 x'),
    ]
    (row,) = score_rows(evaluations)
    cells = {heading: str(level) for heading, level in row.cells.items()}
    assert cells == {'coverage': '50.0 ± 14.1', 'mIoU': '70.0', 'with CRF': '72.0'}
    assert '| stage | val   | 50.0 ± 14.1 | 70.0 |     72.0 |' in score_table(evaluations)
