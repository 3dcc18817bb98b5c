"""Every evaluation leaves a record: scores, protocol, provenance."""

from collections.abc import Iterator, Sized
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from mmdrs.evaluation.records.building import build_evaluation
from mmdrs.evaluation.records.protocol import read_protocol
from mmdrs.evaluation.records.record import Evaluation, Score, Task, per_class, write_evaluation
from mmdrs.files import digest


@HOOKS.register_module()
class ResultsHook(Hook):
    """Writes ``<work_dir>/results/<task>_<split>_<hash>.json`` after every test.

    ``tools/test.py`` and the pipeline always add it; elsewhere write
    ``custom_hooks=[dict(type='ResultsHook')]``. Evaluations of another protocol, model or
    checkpoint get their own files; the same one again replaces its file. The record has the IoU
    of each class if the metric keeps it (``SegmentationMetric`` does, ``IoUMetric`` does not).

    Args:
        stage: Stage of a pipeline, '' elsewhere.

    Attributes:
        written: The records that it has written.
    """

    priority = 'VERY_LOW'

    def __init__(self, stage: str = '') -> None:
        self.stage = stage
        self.written: list[Path] = []

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if not is_main_process() or not metrics:
            return
        for metric in runner.test_evaluator.metrics:
            scores = list(_scores(metric, metrics, runner))
            if scores:
                task: Task = getattr(metric, 'task', 'seg')
                images = len(cast(Sized, runner.test_dataloader.dataset))
                evaluation = build_evaluation(
                    runner.cfg, task, scores, images, runner._load_from, self.stage
                )
                path = record_path(Path(runner.work_dir), evaluation)
                write_evaluation(path, evaluation)
                self.written.append(path)


def record_path(work_dir: Path, evaluation: Evaluation) -> Path:
    """The file of an evaluation's record; its name differs by protocol and weights."""
    key = [evaluation.model, evaluation.stage, evaluation.provenance['config_sha256']]
    key += [evaluation.provenance['weights'], evaluation.seed]
    key += [asdict(score.protocol) for score in evaluation.scores]
    name = f'{evaluation.task}_{evaluation.split}_{digest(key)[:8]}.json'
    return work_dir / 'results' / name


def _scores(metric: BaseMetric, values: dict[str, float], runner: Runner) -> Iterator[Score]:
    """The percentages of one metric, without its prefix."""
    base = read_protocol(runner.cfg.to_dict(), runner._load_from)
    special = getattr(metric, 'protocols', {'mIoU': {}})
    by_class = getattr(metric, 'class_scores', {})
    classes = (metric.dataset_meta or {})['classes']
    for name, changes in special.items():
        key = f'{metric.prefix}/{name}' if metric.prefix else name
        if key in values:
            yield Score(
                metric=name,
                value=round(float(values[key]), 2),
                protocol=replace(base, **changes),
                per_class=per_class(classes, by_class[name]) if name in by_class else {},
            )
