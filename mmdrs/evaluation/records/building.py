"""Records as they are built from a config and scores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import all_gather_object

from mmdrs.evaluation.functional.scores import FusedCounts
from mmdrs.evaluation.records.protocol import (
    dataset_name,
    label_protocols,
    read_protocol,
    split_name,
    with_maps,
)
from mmdrs.evaluation.records.provenance import provenance
from mmdrs.evaluation.records.record import Evaluation, Score, Task, per_class
from mmdrs.pseudo_labels.rules import LabelRules


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


def gather_counts(counts: Iterable[FusedCounts | None]) -> FusedCounts | None:
    """Sum the counts of the labels of all processes; None where no image has ground truth."""
    parts = all_gather_object(_sum(counts))
    return _sum(parts)


def _sum(counts: Iterable[FusedCounts | None]) -> FusedCounts | None:
    total = None
    for count in counts:
        if count is not None:
            total = count if total is None else total + count
    return total


def label_evaluation(
    cfg: Config,
    counts: FusedCounts,
    rules: LabelRules,
    classes: Sequence[str],
    checkpoint: str | None = None,
    stage: str = '',
    maps: Mapping[str, Any] | None = None,
) -> Evaluation:
    """The record of the scores of pseudo labels.

    Args:
        cfg: Config of the network that made the maps; its test data set was scored.
        counts: Of all labels, see :func:`gather_counts`.
        rules: How the labels were made.
        classes: Class names, background first.
        checkpoint: The network's weights, where known.
        stage: Stage of the pipeline.
        maps: The record of the maps, whose scales and method count, not those of the config;
            None where it is not known.
    """
    special = label_protocols(rules.to_config())
    base = read_protocol(with_maps(cfg.to_dict(), maps), checkpoint)
    scores = [
        Score(
            metric=name,
            value=round(found.miou(), 2),
            protocol=replace(base, **special[name]),
            per_class=per_class(classes, (100 * found.iou()).tolist()),
        )
        for name, found in counts.forms().items()
    ]
    share = replace(base, **special['kept'])
    scores.append(Score('kept', round(counts.share_kept(), 2), share, {}))
    return build_evaluation(cfg, 'pseudo', scores, counts.images, checkpoint, stage)
