"""Testing a model from its config and a checkpoint."""

from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.runner import Runner

from mmdrs.apis.checkpoint import check_checkpoint, require_checkpoint
from mmdrs.apis.config import require_test_data
from mmdrs.apis.runner import build_runner, running
from mmdrs.engine import ResultsHook
from mmdrs.errors import InputError
from mmdrs.pseudo_labels.constants import IGNORE_LABEL
from mmdrs.pseudo_labels.output_paths import check_outputs


def test_model(cfg: Config, checkpoint: str, stage: str = '') -> dict[str, float]:
    """Test a model and return its scores by name.

    A record of the evaluation is written into the work directory.

    Args:
        cfg: As :func:`mmdrs.apis.load_config` returns it.
        checkpoint: File or URL of the weights.
        stage: Stage of a pipeline, for the record.

    Raises:
        InputError: If the config has no test data; if the checkpoint is missing, refused, or lacks
            keys of the model; or if the output would overwrite a file of the user's.
    """
    return run_test(cfg, checkpoint, stage).scores


class Tested(NamedTuple):
    """What a test has given: scores by name, and the files of their records."""

    scores: dict[str, float]
    records: list[Path]


def run_test(cfg: Config, checkpoint: str, stage: str = '') -> Tested:
    """Test a model as :func:`test_model` does, with the same arguments and errors.

    Returns:
        The scores, and in the first process the files of their records.
    """
    require_test_data(cfg)
    checkpoint = require_checkpoint(checkpoint)
    cfg.load_from = checkpoint
    cfg.resume = False
    _keep_class_scores(cfg)
    runner = build_runner(cfg)
    results = ResultsHook(stage)
    runner.register_hook(results)
    check_checkpoint(runner.model, checkpoint, 'test')
    _check_outputs(runner)
    with running(runner, runner.test_loop):
        return Tested(runner.test(), results.written)


def _check_outputs(runner: Runner) -> None:
    loop: Any = runner.test_loop  # or one of the config's own
    outputs = [
        (metric.output_dir, getattr(metric, 'suffix', '.png'))
        for metric in loop.evaluator.metrics
        if getattr(metric, 'output_dir', None)
    ]
    dataset = loop.dataloader.dataset
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes') or ()
    if outputs and len(classes) > IGNORE_LABEL:
        raise InputError(
            f'--out: predictions are PNGs of 8 bits, which hold {IGNORE_LABEL} classes; this data '
            f'set has {len(classes)}'
        )
    if outputs:
        check_outputs(outputs, (dataset.get_data_info(index) for index in range(len(dataset))))


def _keep_class_scores(cfg: Config) -> None:
    """Replace every ``IoUMetric`` by ``SegmentationMetric``, which also keeps scores by class."""
    evaluator = cfg.get('test_evaluator')
    for metric in evaluator if isinstance(evaluator, list | tuple) else [evaluator]:
        if metric is not None and metric['type'] == 'IoUMetric':
            metric['type'] = 'SegmentationMetric'
