"""Testing a model from its config and a checkpoint."""

from mmengine.config import Config

from .checkpoint import check_checkpoint, require_checkpoint
from .runner import build_runner, release_loaders


def test_model(cfg: Config, checkpoint: str) -> dict[str, float]:
    """Test a model, after checking that the checkpoint fits it.

    Args:
        cfg: as :func:`mmdrs.apis.load_config` returns it.
        checkpoint: file or URL of the weights.

    Returns:
        The metrics of the test.

    Raises:
        InputError: if the checkpoint is missing, refused, or lacks keys of the model.
    """
    require_checkpoint(checkpoint)
    cfg.load_from = checkpoint
    cfg.resume = False
    runner = build_runner(cfg)
    check_checkpoint(runner.model, checkpoint, 'test')
    metrics = runner.test()
    release_loaders(runner)
    return metrics
