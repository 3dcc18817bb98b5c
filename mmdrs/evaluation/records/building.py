"""Records as they are built from a config and scores."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from mmdrs.evaluation.records.protocol import dataset_name, split_name
from mmdrs.evaluation.records.provenance import provenance
from mmdrs.evaluation.records.record import Evaluation, Score, Task


def build_evaluation(
    cfg: Config,
    task: Task,
    scores: Sequence[Score],
    images: int,
    checkpoint: str | None = None,
    stage: str = '',
) -> Evaluation:
    """The record of scores on the test data set of a config.

    Args:
        cfg: The config as it was run.
        task: What was scored.
        scores: The scores.
        images: Number of images.
        checkpoint: The weights, where known.
        stage: Stage of the pipeline.
    """
    config = cfg.to_dict()
    dataset = config['test_dataloader']['dataset']
    listed = Path(dataset.get('data_root') or '') / (dataset.get('ann_file') or '')
    return Evaluation(
        task=task,
        dataset=dataset_name(dataset),
        split=split_name(dataset),
        images=images,
        model=Path(cfg.filename or 'model').stem,
        stage=stage,
        seed=(config.get('randomness') or {}).get('seed'),
        scores=scores,
        provenance=provenance(config, listed, Path(checkpoint) if checkpoint else None),
    )
