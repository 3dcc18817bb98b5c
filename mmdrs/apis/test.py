"""Testing a model from its config and a checkpoint."""

from mmengine.config import Config

from mmdrs.apis.checkpoint import check_checkpoint, require_checkpoint
from mmdrs.apis.runner import build_runner, running


def test_model(cfg: Config, checkpoint: str, stage: str = '') -> dict[str, float]:
    """Test a model, after checking that the checkpoint fits it.

    ``ResultsHook`` writes a record of the evaluation into the work directory.

    Args:
        cfg: As :func:`mmdrs.apis.load_config` returns it.
        checkpoint: File or URL of the weights.
        stage: Stage of a pipeline, for the record.

    Returns:
        The metrics of the test.

    Raises:
        InputError: If the checkpoint is missing, refused, or lacks keys of the model.
    """
    checkpoint = require_checkpoint(checkpoint)
    cfg.load_from = checkpoint
    cfg.resume = False
    _keep_class_scores(cfg)
    runner = build_runner(cfg)
    runner.register_hook(dict(type='ResultsHook', stage=stage))
    check_checkpoint(runner.model, checkpoint, 'test')
    with running(runner, runner.test_loop):
        return runner.test()


def _keep_class_scores(cfg: Config) -> None:
    """Replace every ``IoUMetric`` by ``SegmentationMetric``, which also keeps scores by class."""
    evaluator = cfg.get('test_evaluator')
    for metric in evaluator if isinstance(evaluator, list | tuple) else [evaluator]:
        if metric is not None and metric['type'] == 'IoUMetric':
            metric['type'] = 'SegmentationMetric'
